/* The stream that an export is written to. See parts.h. */
#include "applets/clm-export/parts.h"

enum err export_stream_open(struct export_stream *s, struct env *env, const char *path) {
    s->env = env;
    s->path = path;
    s->file.fd = -1;
    s->at = 0;
    s->fault = (struct fault){.code = ERR_OK};
    buf_init(&s->chunk, EXPORT_CHUNK + EXPORT_ITEM_MAX);
    if (path == NULL)
        return ERR_OK;
    return file_open(&s->file, path, FILE_APPEND, &s->fault);
}

static void write_chunk(struct export_stream *s) {
    struct bytes b = buf_bytes(&s->chunk);
    if (s->fault.code != ERR_OK)
        return;
    if (s->chunk.err != ERR_OK) {
        fault_set(&s->fault, s->chunk.err, "export", "a row");
    } else if (s->path != NULL) {
        if (file_write_at(&s->file, s->at, b, &s->fault) == ERR_OK)
            s->at += b.n;
    } else if (b.n > 0 && fwrite(b.p, 1, b.n, s->env->out) != b.n) {
        fault_set(&s->fault, ERR_IO, "write", "standard output");
    }
    buf_reset(&s->chunk);
}

bool export_stream_step(struct export_stream *s) {
    if (s->chunk.n >= EXPORT_CHUNK || s->chunk.err != ERR_OK)
        write_chunk(s);
    if (s->env->stop != NULL && *s->env->stop != 0 && s->fault.code == ERR_OK)
        fault_set(&s->fault, *s->env->stop == SIGTERM ? ERR_TERMINATED : ERR_INTERRUPTED, "export",
                  "not complete");
    return s->fault.code == ERR_OK;
}

/* Of a file that was there before and was longer. */
static void cut(struct export_stream *s) {
    uint64_t size = 0;
    if (s->file.fd >= 0 && s->fault.code == ERR_OK &&
        file_size(&s->file, &size, &s->fault) == ERR_OK && size > s->at)
        (void)!file_truncate(&s->file, s->at, &s->fault);
}

enum err export_stream_close(struct export_stream *s) {
    write_chunk(s);
    if (s->path == NULL && fflush(s->env->out) != 0 && s->fault.code == ERR_OK)
        fault_set(&s->fault, ERR_IO, "write", "standard output");
    cut(s);
    file_close(&s->file);
    buf_clear(&s->chunk);
    return s->fault.code;
}
