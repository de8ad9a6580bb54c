/* What `ers inspect` prints. See inspect.h. */
#include "applets/ers/inspect.h"
#include "applets/ers/inspect_text.h"
#include "base/text.h"
#include "model/certificate.h"

enum { LINE_MAX_BYTES = 1 << 20 };

void inspect_line(struct inspect *in) {
    if (in->out.n > 0)
        fwrite(in->out.p, 1, in->out.n, in->env->out);
    buf_reset(&in->out);
}

bool inspect_is_stopped(const struct inspect *in) {
    return in->env->stop != NULL && *in->env->stop != 0;
}

/* ---- certificates ---- */

static void show_for_people(struct inspect *in, const struct x509_cert *cert) {
    struct inspect_place place = {in->from.input, in->from.position, in->from.alias};
    buf_text(&in->out, in->certificates > 0 ? "\n" : "");
    inspect_text_put(&in->out, cert, env_now_s(in->env), in->color, &place);
    if (in->pem)
        pem_write(&in->out, "CERTIFICATE", cert->der);
}

static void show_as_json(struct inspect *in, const struct x509_cert *cert) {
    struct json j = json_to(&in->out);
    json_object(&j, NULL);
    model_certificate_json(&j, cert, in->pem);
    json_text(&j, "input", in->from.input);
    json_text(&j, "container", in->from.container);
    if (in->from.alias.n > 0)
        json_bytes(&j, "alias", in->from.alias);
    else
        json_null(&j, "alias");
    json_end(&j, '}');
    buf_u8(&in->out, '\n');
}

bool inspect_show(struct inspect *in, struct bytes der, bool silent) {
    struct x509_cert cert;
    struct fault f;
    arena_reset(&in->arena);
    if (x509_cert_read(&in->arena, der, &cert, &f) != ERR_OK) {
        if (!silent) {
            in->from.position++;
            inspect_error(in, &f);
        }
        return false;
    }
    in->from.position++;
    if (in->common->json)
        show_as_json(in, &cert);
    else
        show_for_people(in, &cert);
    if (in->out.err != ERR_OK) {
        fault_set(&f, in->out.err, "output", "certificate %zu is too large to show",
                  in->from.position);
        buf_reset(&in->out);
        inspect_error(in, &f);
        return false;
    }
    /* Of a chain the leaf counts: an issuer that has ended may have a successor. */
    if (cert.has_not_after && (in->from.position == 1 || !cert.is_ca))
        fail_on_check(&in->fail_on, cert.not_after, env_now_s(in->env));
    in->certificates++;
    inspect_line(in);
    return true;
}

/* ---- all else ---- */

/* A line of the object `type`, with `detail` as it stands. */
static void put_object(struct inspect *in, const char *type, const char *input, const char *code,
                       const char *detail) {
    struct json j = json_to(&in->out);
    json_object(&j, NULL);
    json_text(&j, "type", type);
    json_text(&j, "input", input);
    if (code != NULL)
        json_text(&j, "code", code);
    json_text(&j, "detail", detail);
    json_end(&j, '}');
    buf_u8(&in->out, '\n');
    inspect_line(in);
}

static void say(struct inspect *in, const char *input, const char *between, const char *text) {
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    text_escape(&line, bytes_text(input));
    fprintf(in->env->err, "ers inspect: %s: %s%s\n", buf_cstr(&line), between, text);
    buf_clear(&line);
}

void inspect_error(struct inspect *in, const struct fault *f) {
    char text[FAULT_DETAIL_MAX + 200];
    fault_text(f, text, sizeof text);
    in->errors++;
    if (in->common->json)
        put_object(in, "error", in->from.input, err_row(f->code)->name, text);
    else
        say(in, in->from.input, "", text);
}

void inspect_error_text(struct inspect *in, enum err code, const char *what, const char *detail) {
    struct fault f;
    fault_set(&f, code, what, "%s", detail);
    inspect_error(in, &f);
}

void inspect_left_out(struct inspect *in, const char *path, const char *why) {
    in->left_out++;
    if (in->common->json)
        put_object(in, "left_out", path, NULL, why);
    else if (!in->common->quiet)
        say(in, path, "left out: ", why);
}

void inspect_note(struct inspect *in, const char *text) {
    if (!in->common->quiet && !in->common->json)
        say(in, in->from.input, "note: ", text);
}

static void put_summary_json(struct inspect *in) {
    const struct {
        const char *key;
        size_t n;
    } counts[] = {
        {"inputs",        in->inputs       },
        {"inputs_failed", in->inputs_failed},
        {"files",         in->files        },
        {"files_without", in->files_without},
        {"certificates",  in->certificates },
        {"errors",        in->errors       },
        {"left_out",      in->left_out     },
        {"private_keys",  in->private_keys },
        {"skipped",       in->objects      },
    };
    struct json j = json_to(&in->out);
    json_object(&j, NULL);
    json_text(&j, "type", "summary");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_int(&j, counts[i].key, (int64_t)counts[i].n);
    json_end(&j, '}');
    buf_u8(&in->out, '\n');
    inspect_line(in);
}

static void put_count(struct buf *out, size_t n, const char *one, const char *many) {
    buf_printf(out, "%s%zu %s", out->n > 0 ? ", " : "", n, n == 1 ? one : many);
}

/* One file's certificates speak for themselves; of many it is said how many there were. */
void inspect_summary(struct inspect *in) {
    if (in->common->json) {
        put_summary_json(in);
        return;
    }
    if (in->common->quiet || in->files + in->left_out <= in->inputs)
        return;
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    put_count(&line, in->certificates, "certificate", "certificates");
    put_count(&line, in->files - in->files_without, "file with some", "files with some");
    put_count(&line, in->files_without, "file without", "files without");
    if (in->private_keys > 0)
        put_count(&line, in->private_keys, "private key", "private keys");
    if (in->left_out > 0)
        put_count(&line, in->left_out, "left out", "left out");
    if (in->errors > 0)
        put_count(&line, in->errors, "error", "errors");
    fprintf(in->env->err, "ers inspect: %s\n", buf_cstr(&line));
    buf_clear(&line);
}
