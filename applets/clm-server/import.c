/* clm-server import: certificates out of what other tools write (lib/import).
 *
 * The file is read here and its certificates go to the running server, or without one to the
 * store, a megabyte at a time. What is known already adds nothing, so an import may be repeated.
 * Only certificates are taken: where they were seen, agents tell.
 */
#include "applets/clm-server/server.h"

#include "base/os.h"
#include "base/text.h"
#include "import/import.h"

#include <inttypes.h>
#include <string.h>

enum { PIECE = 1 << 20, PIECE_CERTIFICATES = 2000, ANSWER_MAX = 1 << 20, TOLD_MAX = 20 };

struct import_options {
    const char *data;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "data", "DIR", offsetof(struct import_options, data), "Folder of the store"},
    {OPT_END,  0, NULL,   NULL,  0, NULL},
};
/* clang-format on */

struct import_call {
    const struct env *env;
    const struct import_options *o;
    const struct opt_common *common;
    const char *file; /* that is being read */
    struct buf pem;   /* of it, not yet sent */
    size_t pem_n;
    uint64_t added, known, refused; /* of the file */
    uint64_t all_added, all_known, all_refused, failed;
    struct fault f;
};

static bool read_count(struct json_value v, const char *name, uint64_t *sum) {
    int64_t n;
    if (!json_integer(json_get(v, name), &n) || n < 0)
        return false;
    *sum += (uint64_t)n;
    return true;
}

static enum err read_answer(struct import_call *c, struct bytes answer) {
    struct json_value v;
    struct arena a;
    arena_init(&a, 4 << 20);
    enum err code = json_read(&a, answer, 64, &v, &c->f);
    if (code == ERR_OK &&
        (!read_count(v, "added", &c->added) || !read_count(v, "known", &c->known)))
        code = fault_set(&c->f, ERR_NETWORK, "server", "its answer is none that is understood");
    arena_clear(&a);
    return code;
}

static enum err send(struct import_call *c) {
    struct buf body, answer;
    if (c->pem_n == 0)
        return ERR_OK;
    buf_init(&body, 4 * PIECE);
    buf_init(&answer, ANSWER_MAX);
    struct json j = json_to(&body);
    json_object(&j, NULL);
    json_text(&j, "file", path_base(c->file));
    json_bytes(&j, "pem", buf_bytes(&c->pem));
    json_end(&j, '}');
    enum err code = body.err != ERR_OK
                        ? fault_set(&c->f, body.err, "import", "%s", c->file)
                        : admin_call(c->env, c->common, c->o->data, HTTP_POST, API_ROOT "/imports",
                                     buf_bytes(&body), &answer, &c->f);
    if (code == ERR_OK)
        code = read_answer(c, buf_bytes(&answer));
    buf_clear(&body);
    buf_clear(&answer);
    buf_reset(&c->pem);
    c->pem_n = 0;
    return code;
}

static enum err take(void *context, struct bytes der) {
    struct import_call *c = context;
    pem_write(&c->pem, "CERTIFICATE", der);
    c->pem_n++;
    if (c->pem.err != ERR_OK)
        return fault_set(&c->f, c->pem.err, "import", "%s", c->file);
    return c->pem.n >= PIECE / 2 || c->pem_n == PIECE_CERTIFICATES ? send(c) : ERR_OK;
}

static void refuse(void *context, size_t line, const char *what, const char *why) {
    struct import_call *c = context;
    if (c->refused++ < TOLD_MAX)
        fprintf(c->env->err, "clm-server import: %s: line %zu: %s: %s\n", c->file, line, what, why);
}

static enum err read_file(struct import_call *c, enum import_format *format) {
    struct os_map map = {0};
    struct import_taker taker = {take, refuse, c};
    struct fault why = {0};
    enum err code = os_map_open(&map, c->file, &c->f);
    if (code != ERR_OK)
        return code;
    code = import_read(bytes_of(map.p, map.n), &taker, format, &why);
    if (code != ERR_OK && c->f.code == ERR_OK) /* else what `send` said */
        c->f = why;
    os_map_close(&map);
    return code == ERR_OK ? send(c) : code;
}

static void print(const struct import_call *c, enum import_format format) {
    char added[28], known[28], refused[28];
    if (c->refused > TOLD_MAX)
        fprintf(c->env->err, "clm-server import: %s: %" PRIu64 " more rows without a certificate\n",
                c->file, c->refused - TOLD_MAX);
    if (c->common->json || c->common->quiet)
        return;
    fprintf(c->env->out, "%-10s  %s: %s new, %s known before, %s not imported\n",
            import_format_name(format), c->file, number_grouped(c->added, added),
            number_grouped(c->known, known), number_grouped(c->refused, refused));
}

static enum err import_file(struct import_call *c) {
    enum import_format format = IMPORT_UNKNOWN;
    c->added = c->known = c->refused = 0;
    c->f = (struct fault){0};
    buf_reset(&c->pem);
    c->pem_n = 0;
    enum err code = read_file(c, &format);
    c->all_added += c->added;
    c->all_known += c->known;
    c->all_refused += c->refused;
    if (code == ERR_OK)
        print(c, format);
    else if (code == ERR_FORMAT)
        fault_set(&c->f, code, "neither PEM nor JSON nor CSV", "%s", c->file);
    return code;
}

/* One file that cannot be read does not stop the others. */
static int import_all(struct import_call *c) {
    const struct opt_list *words = &c->common->words;
    int status = 0;
    for (size_t i = 0; i < words->n; i++) {
        c->file = words->items[i];
        enum err code = import_file(c);
        c->failed += code != ERR_OK;
        if (code != ERR_OK)
            status = opt_fail(c->env, c->common, &c->f);
        if (code != ERR_OK && code != ERR_NOT_FOUND && code != ERR_FORMAT && code != ERR_PERMISSION)
            break; /* the server's, or the store's: with the next file too */
    }
    if (c->common->json)
        fprintf(c->env->out,
                "{\"added\":%" PRIu64 ",\"known\":%" PRIu64 ",\"not_imported\":%" PRIu64
                ",\"files_failed\":%" PRIu64 "}\n",
                c->all_added, c->all_known, c->all_refused, c->failed);
    return status != 0 ? status : c->all_refused > 0;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct import_call c = {.env = env, .o = options, .common = common};
    if (common->words.n == 0) {
        fault_set(&c.f, ERR_USAGE, "import", "a file is wanted");
        return opt_fail(env, common, &c.f);
    }
    buf_init(&c.pem, 4 * PIECE);
    int status = import_all(&c);
    buf_clear(&c.pem);
    return status;
}

const struct opt_command clm_server_import = {
    .name = "import",
    .arguments = "FILE...",
    .summary = "take certificates out of PEM, JSON and CSV of other tools",
    .examples = "clm-server import bundle.pem\n"
                "clm-server import scan.ndjson tlsx.json\n"
                "certutil -view -out RawCertificate csv > issued.csv\n"
                "clm-server import issued.csv",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct import_options),
    .run = run,
};
