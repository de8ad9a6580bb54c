/* The environment of a real run, and the log. See env.h. */
#include "base/env.h"
#include "base/clock.h"
#include "base/os.h"

#include <stdarg.h>
#include <uv.h>

static int64_t system_now_ms(void *context) {
    (void)context;
    uv_timeval64_t now;
    if (uv_gettimeofday(&now) != 0)
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

static uint64_t system_tick_ms(void *context) {
    (void)context;
    return uv_hrtime() / 1000000;
}

static bool system_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    return os_random(out, n);
}

struct env env_system(const volatile sig_atomic_t *stop) {
    return (struct env){
        .now_ms = system_now_ms,
        .tick_ms = system_tick_ms,
        .random = system_random,
        .out = stdout,
        .err = stderr,
        .in = stdin,
        .log_level = LOG_INFO,
        .stop = stop,
    };
}

int64_t env_now_s(const struct env *env) {
    return env->now_ms(env->context) / 1000;
}

void log_line(const struct env *env, enum log_level level, const char *event, const char *format,
              ...) {
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (level > env->log_level || env->err == NULL)
        return;
    char time[CLOCK_TEXT_MAX], pairs[1024], line[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(pairs, sizeof pairs, format, args);
    va_end(args);
    snprintf(line, sizeof line, "time=%s level=%s event=%.64s%s%s\n",
             clock_write(env_now_s(env), time), names[level], event, pairs[0] != '\0' ? " " : "",
             pairs);
    fputs(line, env->err); /* at once, so that lines of several threads do not mix */
    fflush(env->err);
}
