// Our own declarations of the part of LiteRT's C interface (2.x) that EXrayLiteRT calls, and a table
// of its functions filled by dlopen. The wheel that carries the library has no headers.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// 0 is success; the other values are in EXrayLiteRT's `Status`.
typedef int32_t LiteRtStatus;

typedef struct LiteRtEnvironmentT *LiteRtEnvironment;
typedef struct LiteRtModelT *LiteRtModel;
typedef struct LiteRtOptionsT *LiteRtOptions;
typedef struct LiteRtOpaqueOptionsT *LiteRtOpaqueOptions;
typedef struct LiteRtCompiledModelT *LiteRtCompiledModel;
typedef struct LiteRtTensorBufferT *LiteRtTensorBuffer;
typedef struct LiteRtTensorBufferRequirementsT *LiteRtTensorBufferRequirements;
typedef struct LiteRtProfilerT *LiteRtProfiler;
typedef struct LiteRtSignatureT *LiteRtSignature;
typedef struct LiteRtTensorT *LiteRtTensor;

/// A value with its type: 1 bool, 2 int64, 3 double, 8 string, 9 pointer.
typedef struct {
  int32_t type;
  union {
    bool bool_value;
    int64_t int_value;
    double real_value;
    const char *_Nullable str_value;
    const void *_Nullable ptr_value;
  };
} LiteRtAny;

typedef struct {
  int32_t tag;
  LiteRtAny value;
} LiteRtEnvOption;

typedef struct {
  unsigned int rank : 7;
  unsigned int has_strides : 1;
  int32_t dimensions[8];
  uint32_t strides[8];
} LiteRtLayout;

typedef struct {
  int32_t element_type;
  LiteRtLayout layout;
} LiteRtRankedTensorType;

typedef struct {
  float scale;
  int64_t zero_point;
} LiteRtQuantizationPerTensor;

typedef struct {
  int32_t quantized_dimension;
  uint64_t num_channels;
  float *_Nullable scales;
  int64_t *_Nullable zero_points;
} LiteRtQuantizationPerChannel;

typedef struct {
  size_t total_allocated_bytes;
  size_t in_use_allocated_bytes;
  size_t private_footprint_bytes;
} LiteRtMemoryUsage;

typedef struct {
  const char *_Nullable tag;
  int32_t event_type;
  uint64_t start_timestamp_us;
  uint64_t elapsed_time_us;
  LiteRtMemoryUsage begin_memory;
  LiteRtMemoryUsage end_memory;
  uint64_t metadata1;
  uint64_t metadata2;
  int32_t source;
} LiteRtProfiledEvent;

#define CLITERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#define CLITERT_FIELD(type, field, at) \
  _Static_assert(offsetof(type, field) == (at), #type "." #field)
CLITERT_SIZE(LiteRtAny, 16);
CLITERT_FIELD(LiteRtAny, int_value, 8);
CLITERT_SIZE(LiteRtEnvOption, 24);
CLITERT_FIELD(LiteRtEnvOption, value, 8);
CLITERT_SIZE(LiteRtLayout, 68);
CLITERT_FIELD(LiteRtLayout, dimensions, 4);
CLITERT_FIELD(LiteRtLayout, strides, 36);
CLITERT_SIZE(LiteRtRankedTensorType, 72);
CLITERT_FIELD(LiteRtRankedTensorType, layout, 4);
CLITERT_SIZE(LiteRtQuantizationPerTensor, 16);
CLITERT_FIELD(LiteRtQuantizationPerTensor, zero_point, 8);
CLITERT_SIZE(LiteRtQuantizationPerChannel, 32);
CLITERT_FIELD(LiteRtQuantizationPerChannel, num_channels, 8);
CLITERT_FIELD(LiteRtQuantizationPerChannel, scales, 16);
CLITERT_FIELD(LiteRtQuantizationPerChannel, zero_points, 24);
CLITERT_SIZE(LiteRtProfiledEvent, 104);
CLITERT_FIELD(LiteRtProfiledEvent, event_type, 8);
CLITERT_FIELD(LiteRtProfiledEvent, elapsed_time_us, 24);
CLITERT_FIELD(LiteRtProfiledEvent, metadata1, 80);
CLITERT_FIELD(LiteRtProfiledEvent, source, 96);
#undef CLITERT_SIZE
#undef CLITERT_FIELD

// One line a function: result, name without the prefix `LiteRt`, parameters.
#define CLITERT_FUNCTIONS(X) \
  X(LiteRtStatus, CreateEnvironment, (int, const LiteRtEnvOption *, LiteRtEnvironment _Nullable *_Nonnull)) \
  X(LiteRtStatus, CreateModelFromBuffer, (LiteRtEnvironment, const void *, size_t, LiteRtModel _Nullable *_Nonnull)) \
  X(void, DestroyModel, (LiteRtModel)) \
  X(LiteRtStatus, GetModelSignature, (LiteRtModel, size_t, LiteRtSignature _Nullable *_Nonnull)) \
  X(LiteRtStatus, GetNumSignatureInputs, (LiteRtSignature, size_t *)) \
  X(LiteRtStatus, GetNumSignatureOutputs, (LiteRtSignature, size_t *)) \
  X(LiteRtStatus, GetSignatureInputTensorByIndex, (LiteRtSignature, size_t, LiteRtTensor _Nullable *_Nonnull)) \
  X(LiteRtStatus, GetSignatureOutputTensorByIndex, (LiteRtSignature, size_t, LiteRtTensor _Nullable *_Nonnull)) \
  X(LiteRtStatus, GetSignatureInputName, (LiteRtSignature, size_t, const char *_Nullable *_Nonnull)) \
  X(LiteRtStatus, GetSignatureOutputName, (LiteRtSignature, size_t, const char *_Nullable *_Nonnull)) \
  X(LiteRtStatus, GetTensorName, (LiteRtTensor, const char *_Nullable *_Nonnull)) \
  X(LiteRtStatus, GetTensorIndex, (LiteRtTensor, uint32_t *)) \
  X(LiteRtStatus, GetTensorTypeId, (LiteRtTensor, int32_t *)) \
  X(LiteRtStatus, GetUnrankedTensorType, (LiteRtTensor, int32_t *)) \
  X(LiteRtStatus, GetRankedTensorType, (LiteRtTensor, LiteRtRankedTensorType *)) \
  X(LiteRtStatus, GetQuantizationTypeId, (LiteRtTensor, int32_t *)) \
  X(LiteRtStatus, GetPerTensorQuantization, (LiteRtTensor, LiteRtQuantizationPerTensor *)) \
  X(LiteRtStatus, GetPerChannelQuantization, (LiteRtTensor, LiteRtQuantizationPerChannel *)) \
  X(LiteRtStatus, CreateOptions, (LiteRtOptions _Nullable *_Nonnull)) \
  X(void, DestroyOptions, (LiteRtOptions)) \
  X(LiteRtStatus, SetOptionsHardwareAccelerators, (LiteRtOptions, int)) \
  X(LiteRtStatus, CreateOpaqueOptions, (const char *, void *, void (*_Nonnull)(void *_Nullable), LiteRtOpaqueOptions _Nullable *_Nonnull)) \
  X(void, DestroyOpaqueOptions, (LiteRtOpaqueOptions)) \
  X(LiteRtStatus, AddOpaqueOptions, (LiteRtOptions, LiteRtOpaqueOptions)) \
  X(LiteRtStatus, CreateCompiledModel, (LiteRtEnvironment, LiteRtModel, LiteRtOptions, LiteRtCompiledModel _Nullable *_Nonnull)) \
  X(void, DestroyCompiledModel, (LiteRtCompiledModel)) \
  X(LiteRtStatus, CompiledModelResizeInputTensor, (LiteRtCompiledModel, size_t, size_t, const int *, size_t)) \
  X(LiteRtStatus, GetCompiledModelInputTensorLayout, (LiteRtCompiledModel, size_t, size_t, LiteRtLayout *)) \
  X(LiteRtStatus, GetCompiledModelOutputTensorLayouts, (LiteRtCompiledModel, size_t, size_t, LiteRtLayout *, bool)) \
  X(LiteRtStatus, GetCompiledModelInputBufferRequirements, (LiteRtCompiledModel, size_t, size_t, LiteRtTensorBufferRequirements _Nullable *_Nonnull)) \
  X(LiteRtStatus, GetCompiledModelOutputBufferRequirements, (LiteRtCompiledModel, size_t, size_t, LiteRtTensorBufferRequirements _Nullable *_Nonnull)) \
  X(LiteRtStatus, GetTensorBufferRequirementsBufferSize, (LiteRtTensorBufferRequirements, size_t *)) \
  X(LiteRtStatus, GetTensorBufferRequirementsAlignment, (LiteRtTensorBufferRequirements, size_t *)) \
  X(LiteRtStatus, CreateTensorBufferFromHostMemory, (const LiteRtRankedTensorType *, void *, size_t, void (*_Nullable)(void *_Nullable), LiteRtTensorBuffer _Nullable *_Nonnull)) \
  X(void, DestroyTensorBuffer, (LiteRtTensorBuffer)) \
  X(LiteRtStatus, RunCompiledModel, (LiteRtCompiledModel, size_t, size_t, LiteRtTensorBuffer _Nullable *_Nonnull, size_t, LiteRtTensorBuffer _Nullable *_Nonnull)) \
  X(LiteRtStatus, CompiledModelGetErrorMessages, (LiteRtCompiledModel, char *_Nullable *_Nonnull)) \
  X(LiteRtStatus, CompiledModelClearErrors, (LiteRtCompiledModel)) \
  X(LiteRtStatus, CompiledModelGetProfiler, (LiteRtCompiledModel, LiteRtProfiler _Nullable *_Nonnull)) \
  X(LiteRtStatus, StartProfiler, (LiteRtProfiler)) \
  X(LiteRtStatus, StopProfiler, (LiteRtProfiler)) \
  X(LiteRtStatus, GetNumProfilerEvents, (LiteRtProfiler, int *)) \
  X(LiteRtStatus, GetProfilerEvents, (LiteRtProfiler, int, LiteRtProfiledEvent *))

/// The functions, each under its C name without the prefix `LiteRt`.
typedef struct {
#define X(result, name, parameters) result(*_Nonnull name) parameters;
  CLITERT_FUNCTIONS(X)
#undef X
} CLiteRTFunctions;

/// Opens the library at `path` and looks up every function.
///
/// The library is never closed: it keeps threads and thread-local state of its own.
///
/// - Returns: The table, which lives as long as the process, or NULL with the reason in `reason`.
const CLiteRTFunctions *_Nullable clitert_load(const char *path, char *reason, size_t capacity);

/// Creates an option that carries a copy of a TOML text, which the library frees.
LiteRtStatus clitert_create_text_options(
    const CLiteRTFunctions *functions, const char *identifier, const char *text,
    LiteRtOpaqueOptions _Nullable *_Nonnull options);

/// Allocates `byteCount` zeroed bytes (at least one) at a multiple of `alignment`; NULL where there are none.
void *_Nullable clitert_allocate(size_t alignment, size_t byteCount);

/// Frees what `clitert_allocate` or the library's own malloc returned.
void clitert_free(void *_Nullable memory);

#pragma clang assume_nonnull end
