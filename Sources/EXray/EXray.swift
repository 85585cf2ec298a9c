@_exported public import EXrayCore
@_exported public import EXrayTrace
