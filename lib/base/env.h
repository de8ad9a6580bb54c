/* What a command gets from outside: clock, randomness, streams, stop flag.
 *
 * There are no mutable globals outside main.c; tests hand in their own.
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include "base/bytes.h"
#include "base/err.h"

#include <signal.h>
#include <stdio.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct env {
    int64_t (*now_ms)(void *context);   /* since 1970, UTC */
    uint64_t (*tick_ms)(void *context); /* monotonic, from any start */
    bool (*random)(void *context, uint8_t *out,
                   size_t n); /* of the system; false: none to be had */
    void *context;
    FILE *out, *err; /* data; progress and messages */
    FILE *in;
    enum log_level log_level;          /* what is at least as grave is written to err */
    const volatile sig_atomic_t *stop; /* the signal that asked to stop, or 0 */
};

struct env env_system(const volatile sig_atomic_t *stop);

int64_t env_now_s(const struct env *env);

/* One line: time=... level=... event=... then key=value pairs from `format`.
 * Values that are foreign go through %s already escaped, or use log_field. */
void log_line(const struct env *env, enum log_level level, const char *event, const char *format,
              ...) PRINTF_LIKE(4, 5);

#endif
