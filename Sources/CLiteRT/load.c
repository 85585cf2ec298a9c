#define _GNU_SOURCE
#include "CLiteRT.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const CLiteRTFunctions *clitert_load(const char *path, char *reason, size_t capacity) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *words = dlerror();
    snprintf(reason, capacity, "%s", words ? words : "dlopen gave no reason");
    return NULL;
  }
  CLiteRTFunctions *functions = malloc(sizeof *functions);
  if (!functions) {
    snprintf(reason, capacity, "out of memory");
    return NULL;
  }
#define X(result, name, parameters)                                              \
  void *name = dlsym(library, "LiteRt" #name);                                   \
  if (!name) {                                                                   \
    snprintf(reason, capacity, "%s lacks the function LiteRt" #name, path);      \
    free(functions);                                                             \
    return NULL;                                                                 \
  }                                                                              \
  memcpy(&functions->name, &name, sizeof name);
  CLITERT_FUNCTIONS(X)
#undef X
  return functions;
}

LiteRtStatus clitert_create_text_options(
    const CLiteRTFunctions *functions, const char *identifier, const char *text,
    LiteRtOpaqueOptions *options) {
  char *copy = strdup(text);
  if (!copy) return 2;
  LiteRtStatus status = functions->CreateOpaqueOptions(identifier, copy, free, options);
  if (status != 0) free(copy);
  return status;
}

void *clitert_allocate(size_t alignment, size_t byteCount) {
  void *memory = NULL;
  size_t size = byteCount ? byteCount : 1;
  if (posix_memalign(&memory, alignment, size) != 0) return NULL;
  memset(memory, 0, size);
  return memory;
}

void clitert_free(void *memory) { free(memory); }
