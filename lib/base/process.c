/* One command, its output and its end. See process.h.
 *
 *   started --exit--> draining --pipe closed, or DRAIN_MS--> done
 *      \--timeout--> killed ----exit----^
 */
#include "base/process.h"
#include "base/os.h"

#include <signal.h>
#include <uv.h>

enum { CHUNK = 4096, SIGNAL_STATUS = 128, DRAIN_MS = 200 };

struct run {
    uv_loop_t loop;
    uv_process_t process;
    uv_pipe_t pipe;
    uv_timer_t timer; /* of the command, then of the pipe behind its end */
    struct buf kept;
    char chunk[CHUNK];
    int status;
    bool has_ended, is_late;
};

static void close_once(uv_handle_t *handle) {
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Something that the command left running (a daemon) may hold the pipe for ever. */
static void on_drained(uv_timer_t *timer) {
    struct run *r = timer->data;
    close_once((uv_handle_t *)&r->pipe);
    close_once((uv_handle_t *)timer);
}

static void on_late(uv_timer_t *timer) {
    struct run *r = timer->data;
    r->is_late = true;
    os_process_kill(r->process.pid);
}

static void on_exit(uv_process_t *process, int64_t status, int signal_number) {
    struct run *r = process->data;
    r->status = signal_number != 0 ? SIGNAL_STATUS + signal_number : (int)status;
    r->has_ended = true;
    close_once((uv_handle_t *)process);
    if (uv_is_closing((uv_handle_t *)&r->pipe))
        close_once((uv_handle_t *)&r->timer);
    else
        uv_timer_start(&r->timer, on_drained, DRAIN_MS, 0);
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
        close_once((uv_handle_t *)stream);
        if (r->has_ended)
            close_once((uv_handle_t *)&r->timer);
        return;
    }
    buf_put(&r->kept, bytes_of(chunk->base, (size_t)n));
    if (r->kept.n > PROCESS_OUTPUT_MAX)
        buf_drop_front(&r->kept, r->kept.n - PROCESS_OUTPUT_MAX);
}

static void close_fd(int fd) {
    uv_fs_t req;
    uv_fs_close(NULL, &req, fd, NULL);
    uv_fs_req_cleanup(&req);
}

/* Both streams go into one pipe: the order in which things were said is kept. */
static int spawn(struct run *r, const char *command) {
    int ends[2];
    const char *words[OS_SHELL_WORDS];
    char *arguments[OS_SHELL_WORDS] = {NULL};
    int status = uv_pipe(ends, UV_NONBLOCK_PIPE, 0);
    if (status != 0)
        return status;
    os_shell(command, words);
    for (size_t i = 0; words[i] != NULL; i++)
        arguments[i] = (char *)(uintptr_t)words[i]; /* libuv does not write there */
    uv_stdio_container_t streams[3] = {{.flags = UV_IGNORE}};
    for (size_t i = 1; i < 3; i++) {
        streams[i].flags = UV_INHERIT_FD;
        streams[i].data.fd = ends[1];
    }
    uv_process_options_t options = {
        .file = words[0],
        .args = arguments,
        .exit_cb = on_exit,
        .stdio = streams,
        .stdio_count = 3,
        .flags =
            UV_PROCESS_DETACHED | UV_PROCESS_WINDOWS_VERBATIM_ARGUMENTS | UV_PROCESS_WINDOWS_HIDE,
    };
    status = uv_spawn(&r->loop, &r->process, &options);
    close_fd(ends[1]);
    if (status != 0)
        close_once((uv_handle_t *)&r->process);
    if (uv_pipe_open(&r->pipe, ends[0]) != 0)
        close_fd(ends[0]);
    else if (status == 0)
        uv_read_start((uv_stream_t *)&r->pipe, on_alloc, on_read);
    return status;
}

enum err process_run(const char *command, uint64_t timeout_ms, int *status, struct buf *out,
                     struct fault *f) {
    struct run r = {.status = -1};
    *status = -1;
    if (uv_loop_init(&r.loop) != 0)
        return fault_set(f, ERR_MEMORY, "command", "%s", command);
    buf_init(&r.kept, PROCESS_OUTPUT_MAX + CHUNK);
    uv_pipe_init(&r.loop, &r.pipe, 0);
    uv_timer_init(&r.loop, &r.timer);
    r.process.data = r.pipe.data = r.timer.data = &r;
    int spawned = spawn(&r, command);
    if (spawned != 0) {
        close_once((uv_handle_t *)&r.pipe);
        close_once((uv_handle_t *)&r.timer);
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
    if (r.is_late)
        return fault_set(f, ERR_TIMEOUT, "command", "%s: ended after %llu s", command,
                         (unsigned long long)(timeout_ms / 1000));
    return ERR_OK;
}
