/* One command, its output and its end. See process.h. */
#include "base/process.h"
#include "base/os.h"

#include <signal.h>
#include <uv.h>

enum { CHUNK = 4096, SIGNAL_STATUS = 128 };

struct run {
    uv_loop_t loop;
    uv_process_t process;
    uv_pipe_t pipe;
    uv_timer_t timer;
    struct buf kept; /* at most twice PROCESS_OUTPUT_MAX */
    char chunk[CHUNK];
    int status;
    bool is_begun, has_ended, is_late;
};

static void end_if_done(struct run *r) {
    if (r->has_ended && !uv_is_closing((uv_handle_t *)&r->timer))
        uv_close((uv_handle_t *)&r->timer, NULL);
}

static void on_exit(uv_process_t *process, int64_t status, int signal_number) {
    struct run *r = process->data;
    r->status = signal_number != 0 ? SIGNAL_STATUS + signal_number : (int)status;
    r->has_ended = true;
    uv_close((uv_handle_t *)process, NULL);
    end_if_done(r);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    struct run *r = handle->data;
    (void)suggested;
    *out = uv_buf_init(r->chunk, sizeof r->chunk);
}

/* The tail is kept: what a command says last tells why it failed. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk) {
    struct run *r = stream->data;
    if (n < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        return;
    }
    buf_put(&r->kept, bytes_of(chunk->base, (size_t)n));
    if (r->kept.n > PROCESS_OUTPUT_MAX)
        buf_drop_front(&r->kept, r->kept.n - PROCESS_OUTPUT_MAX);
}

/* A child of the command may hold the pipe open for ever: it is left, not waited for. */
static void on_late(uv_timer_t *timer) {
    struct run *r = timer->data;
    r->is_late = !r->has_ended;
    if (!r->has_ended)
        uv_process_kill(&r->process, SIGKILL);
    if (!uv_is_closing((uv_handle_t *)&r->pipe))
        uv_close((uv_handle_t *)&r->pipe, NULL);
    end_if_done(r);
}

/* Both streams go into one pipe: the order in which things were said is kept. */
static int spawn(struct run *r, const char *command) {
    int ends[2];
    char *words[5];
    int status = uv_pipe(ends, UV_NONBLOCK_PIPE, 0);
    if (status != 0)
        return status;
    os_shell(command, words);
    uv_stdio_container_t streams[3] = {
        {.flags = UV_IGNORE },
        { .flags = UV_INHERIT_FD, .data.fd = ends[1]},
        { .flags = UV_INHERIT_FD, .data.fd = ends[1]},
    };
    uv_process_options_t options = {
        .file = words[0],
        .args = words,
        .exit_cb = on_exit,
        .stdio = streams,
        .stdio_count = 3,
        .flags = UV_PROCESS_WINDOWS_VERBATIM_ARGUMENTS | UV_PROCESS_WINDOWS_HIDE,
    };
    r->is_begun = true;
    status = uv_spawn(&r->loop, &r->process, &options);
    uv_fs_t req;
    uv_fs_close(NULL, &req, ends[1], NULL);
    uv_fs_req_cleanup(&req);
    if (uv_pipe_open(&r->pipe, ends[0]) == 0 && status == 0)
        uv_read_start((uv_stream_t *)&r->pipe, on_alloc, on_read);
    return status;
}

enum err process_run(const char *command, uint64_t timeout_ms, int *status, struct buf *out,
                     struct fault *f) {
    struct run r = {.status = -1};
    if (uv_loop_init(&r.loop) != 0)
        return fault_set(f, ERR_MEMORY, "command", "%s", command);
    buf_init(&r.kept, 4 * PROCESS_OUTPUT_MAX);
    uv_pipe_init(&r.loop, &r.pipe, 0);
    uv_timer_init(&r.loop, &r.timer);
    r.process.data = r.pipe.data = r.timer.data = &r;
    int spawned = spawn(&r, command);
    if (spawned != 0) {
        r.has_ended = true;
        if (r.is_begun)
            uv_close((uv_handle_t *)&r.process, NULL);
        uv_close((uv_handle_t *)&r.pipe, NULL);
        end_if_done(&r);
    } else {
        uv_timer_start(&r.timer, on_late, timeout_ms, 0);
    }
    uv_run(&r.loop, UV_RUN_DEFAULT);
    uv_loop_close(&r.loop);
    buf_put(out, buf_bytes(&r.kept));
    buf_clear(&r.kept);
    *status = r.status;
    if (spawned != 0)
        return fault_set(f, ERR_IO, "command", "%s: %s", command, uv_strerror(spawned));
    return r.is_late ? fault_set(f, ERR_TIMEOUT, "command", "%s", command) : ERR_OK;
}
