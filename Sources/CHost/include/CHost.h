// The operating system's part of running a model in a process of its own: shared memory, a child with
// a control socket, limits. All functions return a value of 0 or more, or a negated errno.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Creates an empty piece of memory that processes can share; returns its descriptor.
int chost_memory_create(void);
/// Sets the size, and where the system can, forbids every later change of it by either side.
int chost_memory_resize(int memory, size_t byteCount);
/// Writes `byteCount` bytes at the start of the memory.
int chost_memory_write(int memory, const void *_Nullable bytes, size_t byteCount);
/// The size in bytes.
int64_t chost_memory_size(int memory);
/// Maps the whole memory; NULL with errno set where that fails.
void *_Nullable chost_memory_map(int memory, size_t byteCount, int writable);
void chost_memory_unmap(void *start, size_t byteCount);
void chost_close(int descriptor);

/// A child: its process, our end of its control socket, and the reading end of its standard error.
typedef struct {
  int32_t process;
  int control;
  int errors;
} chost_child;

/// The descriptors under which a child finds what it shares with its parent.
enum { CHOST_CONTROL = 3, CHOST_MODEL = 4, CHOST_INPUTS = 5, CHOST_OUTPUTS = 6 };

/// Starts `executable`; the child gets no other descriptor of ours, standard input is empty.
int chost_spawn(
    const char *executable, char *_Nullable const *_Nonnull arguments, int model, int inputs,
    int outputs, chost_child *child);

/// Waits until something can be read: bit 0 for `control`, bit 1 for `errors` (may be -1); 0 at the time limit.
int chost_wait(int control, int errors, int64_t milliseconds);
/// Reads what is there without waiting: a count, 0 at the end, -EAGAIN where there is nothing.
int64_t chost_receive(int control, void *_Nullable bytes, size_t capacity);
int64_t chost_read(int descriptor, void *_Nullable bytes, size_t capacity);
/// Sends all bytes, waiting for room at most `milliseconds`; never raises SIGPIPE.
int chost_send(int control, const void *_Nullable bytes, size_t byteCount, int64_t milliseconds);

/// Gives the child `milliseconds` to end by itself, then ends it, and collects its exit.
///
/// - Returns: 1 where the child had to be ended, else 0; `signal` and `code` say how it ended.
int chost_finish(int32_t process, int64_t milliseconds, int *signal, int *code);

/// Limits the memory that this process may allocate.
int chost_limit_memory(uint64_t byteCount);
/// Ends this process as soon as the other end of `control` is closed, whatever it is doing.
int chost_exit_when_closed(int control);
/// Makes `descriptor` a non-inherited one; used on the child's side.
int chost_close_on_exec(int descriptor);

/// Replaces standard error by a file that is in no folder; returns a token for `chost_capture_end`.
/// One capture at a time: others wait.
int chost_capture_begin(int *saved);
/// Puts standard error back; returns up to `capacity` bytes of what was written, at the end of which more was cut.
int64_t chost_capture_end(int file, int saved, void *_Nullable text, size_t capacity);
/// Writes to standard error.
void chost_write_error(const void *_Nullable text, size_t byteCount);

/// Whether there is a regular file (or a link to one) at `path`.
int chost_is_file(const char *path);
/// The file of the running program, written to `path`.
int chost_executable_path(char *path, size_t capacity);
/// Whether the loader can open the library `name`, which then stays open.
int chost_can_load(const char *name);

/// `SIGSEGV` for 11, or "signal".
const char *chost_signal_name(int signal);
/// The system's words for an errno, written to `text`.
void chost_error_text(int error, char *text, size_t capacity);

#pragma clang assume_nonnull end
