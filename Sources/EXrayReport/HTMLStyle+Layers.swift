extension HTMLStyle {
  /// Graph, own and inherited error, histograms.
  static let layers = """
    .anatomy { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 44px; }
    .anatomy.wide { grid-template-columns: minmax(0, 1fr); }
    .anatomy > section { margin-bottom: 0; }
    .graph { overflow: auto; max-height: 720px; border: 1px solid var(--line); border-radius: 4px;
      background: var(--raised); overscroll-behavior: auto; position: relative; }
    .graph svg { display: block; margin: 0 auto; }
    .zoom { display: flex; gap: 6px; margin: 0 0 8px; }
    .zoom button { font: inherit; font-size: 12px; color: var(--ink); background: var(--paper); cursor: pointer;
      border: 1px solid var(--line); border-radius: 4px; padding: 2px 10px; }
    .zoom button:hover { border-color: var(--soft); }
    .edge { fill: none; stroke: var(--soft); stroke-width: 1.2; opacity: .75; }
    .edge.skip { stroke: var(--candidate); }
    .node rect { fill: var(--paper); stroke: var(--soft); stroke-width: 1; }
    .node text { font-size: 11px; }
    .node.input rect { fill: var(--raised); stroke-dasharray: none; }
    .node.input text, .node.gap text { fill: var(--soft); }
    .node.gap rect { fill: var(--raised); stroke-dasharray: 3 2; }
    .d0 rect, .heat.d0 { fill: var(--heat0); background: var(--heat0); }
    .d1 rect, .heat.d1 { fill: var(--heat1); background: var(--heat1); }
    .d2 rect, .heat.d2 { fill: var(--heat2); background: var(--heat2); }
    .d3 rect, .heat.d3 { fill: var(--heat3); background: var(--heat3); }
    .d4 rect, .heat.d4 { fill: var(--heat4); background: var(--heat4); }
    .node.blamed rect { stroke: var(--fail); stroke-width: 3; }
    .node.blamed text { font-weight: 700; }
    a.node:hover rect, a.node:focus-visible rect { stroke: var(--ink); stroke-width: 2; }
    .heat { display: inline-block; width: 18px; height: 10px; border: 1px solid var(--soft); border-radius: 2px;
      margin: 0 5px 0 10px; }
    .item { white-space: nowrap; }
    .item .swatch { margin-left: 10px; }
    .heat.blamed { border: 2px solid var(--fail); }
    .chart.errors { min-width: 760px; }
    .chart.errors.alone { min-width: 0; max-width: 760px; }
    .errors .label { fill: var(--ink); }
    .errors rect.reference { fill: var(--reference); opacity: .75; }
    a.errors:hover > .hit { fill: var(--line); opacity: .6; }
    .histograms { display: grid; gap: 14px 32px; }
    .wide .histograms { grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); }
    .histogram figcaption { margin: 0 0 4px; display: flex; gap: 8px; align-items: baseline; }
    .histogram figcaption b { flex: none; display: inline; }
    .histogram figcaption b.blamed { color: var(--fail); }
    .histogram .name { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .histogram .quiet { font-size: 12px; }
    .area.reference { fill: var(--reference); fill-opacity: .5; }
    .area.candidate { fill: var(--candidate); fill-opacity: .22; stroke: var(--candidate); stroke-width: 1.2; }
    .end { stroke: var(--fail); stroke-width: 1.5; stroke-dasharray: 4 3; }
    tr:target td { box-shadow: inset 0 2px 0 var(--candidate), inset 0 -2px 0 var(--candidate); }
    tr { scroll-margin-top: 40vh; }
    @media (max-width: 980px) { .anatomy { grid-template-columns: minmax(0, 1fr); } }
    @media print {
      .zoom { display: none; }
      .graph { overflow: visible; max-height: none; border: 0; background: none; }
      .graph svg { width: auto; height: auto; max-width: 100%; max-height: 235mm; }
      .anatomy { grid-template-columns: minmax(0, 1fr); }
      .histogram { break-inside: avoid; }
      .histograms, .wide .histograms { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
      .chart.errors { width: auto; max-width: 100%; max-height: 190mm; }
      .lead { break-after: avoid; }
    }

    """
}
