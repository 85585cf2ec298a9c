/// The page's style sheet: system fonts, light and dark, print.
enum HTMLStyle {
  static let text = colours + layout + charts + tables + layers + print

  private static let colours = """

    :root {
      color-scheme: light dark;
      --paper: #ffffff; --raised: #f6f7f9; --ink: #16191d; --soft: #5a6370; --line: #dfe3e8;
      --candidate: #2f6fde; --reference: #7d8794; --fail: #c62f3b; --pass: #1e7f4f; --warn: #95630a;
      --failwash: #fdf0f0; --passwash: #eef8f2; --warnwash: #fcf5e6;
      --heat0: #ecf5f0; --heat1: #fdf3d6; --heat2: #fbdcb4; --heat3: #f7b79c; --heat4: #f08b80;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #121417; --raised: #1b1e23; --ink: #e6e9ed; --soft: #9aa4b1; --line: #2c3138;
        --candidate: #6fa3ff; --reference: #8b95a3; --fail: #ff7680; --pass: #5ccb92; --warn: #e8b44c;
        --failwash: #291719; --passwash: #13231b; --warnwash: #272011;
        --heat0: #16261e; --heat1: #3a3114; --heat2: #553a17; --heat3: #6d3524; --heat4: #8c2a2a;
      }
    }

    """

  private static let layout = """
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body {
      margin: 0; background: var(--paper); color: var(--ink);
      font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
      font-variant-numeric: tabular-nums;
    }
    code, .tensor, .shape, .type, .op, .worst, .runs td {
      font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px;
    }
    .page, main, footer { max-width: 1264px; margin: 0 auto; padding: 0 32px; }
    header { border-bottom: 1px solid var(--line); border-top: 4px solid; padding: 28px 0 22px; }
    header.pass { border-top-color: var(--pass); background: var(--passwash); }
    header.fail { border-top-color: var(--fail); background: var(--failwash); }
    header.inconclusive { border-top-color: var(--warn); background: var(--warnwash); }
    .verdict { margin: 0; font-weight: 700; letter-spacing: .08em; font-size: 13px; }
    .pass .verdict { color: var(--pass); }
    .fail .verdict { color: var(--fail); }
    .inconclusive .verdict { color: var(--warn); }
    h1 { margin: 4px 0 10px; font-size: 26px; line-height: 1.25; font-weight: 650; letter-spacing: -.012em;
      max-width: 44em; overflow-wrap: anywhere; text-wrap: balance; }
    h2 { margin: 0 0 4px; font-size: 17px; line-height: 1.3; font-weight: 650; letter-spacing: -.005em; }
    h2 small { color: var(--soft); font-weight: 400; font-size: 14px; }
    h3 { margin: 0; font-size: 15px; line-height: 1.4; font-weight: 650; overflow-wrap: anywhere; }
    h4 { margin: 0 0 4px; font-size: 12px; font-weight: 600; color: var(--soft); }
    section { margin: 34px 0; }
    .lead { margin: 0 0 14px; color: var(--soft); max-width: 72em; }
    .quiet { margin: 4px 0 0; color: var(--soft); font-size: 13px; }
    .subjects { margin: 0; overflow-wrap: anywhere; }
    .subjects > span { display: inline-block; margin-right: 18px; }
    .subjects b { font-weight: 550; }
    .key { color: var(--soft); white-space: nowrap; }
    .key::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 6px; }
    .key.candidate::before { background: var(--candidate); }
    .key.reference::before { background: var(--reference); }
    .tiles { display: flex; flex-wrap: wrap; gap: 14px 36px; margin: 22px 0 0; }
    .tiles dt { color: var(--soft); font-size: 12px; }
    .tiles dd { margin: 0; white-space: nowrap; }
    .tiles b { font-size: 20px; font-weight: 600; letter-spacing: -.01em; margin-right: 3px; }
    .tiles span { color: var(--soft); font-size: 12px; }
    .finding { display: grid; grid-template-columns: minmax(0, 1fr) 332px; gap: 8px 36px; padding: 16px 18px 16px 18px;
      margin: 12px 0 0; border: 1px solid var(--line); border-left: 3px solid var(--fail); border-radius: 4px; }
    .number { color: var(--fail); margin-right: 4px; }
    .meta { margin: 4px 0 0; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
    .meta > * { margin-right: 12px; }
    .confidence { white-space: nowrap; }
    code { background: var(--raised); border: 1px solid var(--line); border-radius: 3px; padding: 0 4px;
      overflow-wrap: anywhere; }
    code.cause { color: var(--ink); font-weight: 600; }
    h1 code { font-size: .8em; }
    .evidence { margin: 10px 0 0; padding-left: 17px; overflow-wrap: anywhere; }
    .evidence li { margin: 2px 0; }
    .evidence li::marker, .notes li::marker { color: var(--soft); }
    .notes { margin: 6px 0 0; padding-left: 17px; color: var(--soft); overflow-wrap: anywhere; }
    .worth { list-style: none; padding-left: 0; }
    .fix { margin: 0 0 14px; overflow-wrap: anywhere; }
    .together { padding: 16px 18px; margin: 12px 0 0; border: 1px solid var(--line); border-radius: 4px; }
    .together svg { display: block; max-width: 100%; height: auto; }
    .checks td { overflow-wrap: anywhere; }
    .checks .status { white-space: nowrap; padding-right: 18px; }
    .checks .evidence { margin-top: 4px; color: var(--soft); }
    tr.inconclusive .status { color: var(--warn); font-weight: 600; }
    .remedy svg { display: block; max-width: 100%; height: auto; }
    .pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 22px 24px; }
    figure { margin: 0; min-width: 0; }
    .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; align-items: end; }
    .pair .key { display: block; font-size: 12px; margin-bottom: 4px; }
    .pair img { display: block; width: 100%; height: auto; background: var(--raised); border-radius: 3px; }
    .pair img.small { image-rendering: pixelated; }
    .missing { display: grid; place-items: center; aspect-ratio: 1; border: 1px dashed var(--line); color: var(--soft); }
    figcaption { margin-top: 6px; font-size: 13px; color: var(--soft); overflow-wrap: anywhere; }
    figcaption b { color: var(--ink); font-weight: 550; display: block; }
    .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(360px, 1fr)); gap: 34px 48px; margin: 34px 0; }
    .columns section { margin: 0; max-width: 640px; }
    .scroll { overflow-x: auto; }
    footer { padding-top: 14px; padding-bottom: 40px; color: var(--soft); font-size: 12px; }
    :focus-visible { outline: 2px solid var(--candidate); outline-offset: 2px; }
    @media (max-width: 820px) {
      .page, main, footer { padding-left: 16px; padding-right: 16px; }
      .finding { grid-template-columns: minmax(0, 1fr); }
      .columns { grid-template-columns: minmax(0, 1fr); }
      h1 { font-size: 21px; }
    }

    """

  private static let charts = """
    svg text { fill: var(--ink); font-size: 12px; font-family: inherit; }
    svg .strong { font-weight: 600; }
    svg .soft { fill: var(--soft); font-weight: 400; }
    svg .tick { fill: var(--soft); font-size: 11px; }
    .chart { display: block; width: 100%; height: auto; }
    .chart.drift { min-width: 760px; }
    .chart.matrix { width: auto; max-width: none; }
    .track { fill: var(--line); opacity: .6; }
    .level { fill: var(--soft); }
    .before, .fail .bar, rect.other { fill: var(--fail); }
    .after { fill: var(--pass); }
    rect.candidate, .pass .bar { fill: var(--candidate); }
    rect.reference, .unjudged .bar { fill: var(--reference); }
    rect.faint { opacity: .35; }
    .hit { fill: transparent; }
    g:hover > .hit { fill: var(--line); opacity: .6; }
    .gap { fill: none; }
    rect.gap { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 2; }
    .grid { stroke: var(--line); }
    .axis { stroke: var(--soft); }
    .op { fill: var(--soft); }
    text.op { font-size: 10px; fill: var(--soft); }
    text.failing { fill: var(--fail); font-weight: 600; }
    .flag line { stroke: var(--fail); stroke-dasharray: 3 3; }
    .flag text { fill: var(--fail); font-weight: 600; }
    .whisker { fill: none; stroke: var(--ink); stroke-width: 1.5; }
    .frame { fill: none; stroke: var(--line); }
    rect.same { fill: var(--reference); }
    .legend { margin: 6px 0 0; color: var(--soft); font-size: 12px; }
    .legend .key { margin-right: 14px; }
    .swatch { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin: 0 6px 0 14px; }
    .swatch:first-child { margin-left: 0; }
    .swatch.pass { background: var(--candidate); }
    .swatch.fail { background: var(--fail); }
    .swatch.unjudged { background: var(--reference); }
    .swatch.gap { border: 1px dashed var(--soft); }

    """

  private static let tables = """
    table { border-collapse: collapse; width: 100%; font-size: 13px; }
    th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
    thead th, thead td { border-bottom-color: var(--soft); font-weight: 600; font-size: 12px; color: var(--soft);
      white-space: nowrap; vertical-align: bottom; }
    tbody th { font-weight: 400; color: var(--soft); white-space: nowrap; padding-right: 24px; }
    .n { text-align: right; white-space: nowrap; }
    th button { all: unset; cursor: pointer; }
    th button:focus-visible { outline: 2px solid var(--candidate); outline-offset: 2px; }
    th button:hover { color: var(--ink); }
    th[aria-sort] { color: var(--ink); }
    th[aria-sort="ascending"] button::after { content: " ▲"; font-size: 9px; }
    th[aria-sort="descending"] button::after { content: " ▼"; font-size: 9px; }
    .tensors { margin-top: 6px; }
    .tensors .op, .shape, .type, .status { white-space: nowrap; }
    .tensors td { padding-top: 4px; padding-bottom: 4px; }
    .tensors td.op { color: var(--ink); }
    .tensor { min-width: 220px; }
    .name { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden;
      overflow-wrap: anywhere; }
    .name.other { color: var(--soft); }
    .name.alarm { color: var(--fail); }
    .shape, .type, .worst { color: var(--soft); }
    .worst { white-space: nowrap; padding-left: 8px; }
    tr.fail .status { color: var(--fail); font-weight: 600; }
    tr.pass .status { color: var(--pass); }
    tr.gap .status, tr.gap td { color: var(--soft); }
    tr.fail td { background: var(--failwash); }
    .drift svg { vertical-align: middle; }
    .drift span { display: inline-block; min-width: 7ch; }
    .disagreements { width: auto; min-width: 60%; }
    .disagreements td { padding-right: 28px; }
    .runs td { overflow-wrap: anywhere; min-width: 220px; }
    .runs .differs th { color: var(--ink); font-weight: 600; }

    """

  private static let print = """
    @media print {
      :root {
        color-scheme: light;
        --paper: #fff; --raised: #f6f7f9; --ink: #000; --soft: #444; --line: #ccc; --candidate: #2f6fde;
        --reference: #7d8794; --fail: #b3202c; --pass: #17673f; --warn: #7a4f00; --failwash: #fff;
        --passwash: #fff; --warnwash: #fff;
        --heat0: #ecf5f0; --heat1: #fdf3d6; --heat2: #fbdcb4; --heat3: #f7b79c; --heat4: #f08b80;
      }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      body { font-size: 11px; }
      .scroll { overflow: visible; }
      .finding, figure, .chart { break-inside: avoid; }
      h2 { break-after: avoid; }
      .name { display: block; }
    }

    """
}
