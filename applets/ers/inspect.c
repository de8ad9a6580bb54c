/* ers inspect: reads certificates from files and shows them.
 *
 * PEM with any number of objects, and DER, one certificate behind the other. Every
 * input is tried; one that cannot be read is named and the others are still shown.
 * Private keys that lie in a file are counted and told, never decoded. Folders,
 * PKCS#7, PKCS#12, JKS and endpoints are not read here.
 */
#include "applets/ers/ers.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "model/certificate.h"
#include "x509/container.h"

#include <string.h>

enum {
    INPUT_MAX = 64 << 20,
    CERTIFICATE_ARENA_MAX = 16 << 20,
    OUTPUT_MAX = 32 << 20, /* of one certificate */
    NAMES_SHOWN = 8,
    WARN_DAYS = 30,
};

struct inspect_options {
    bool pem;
};

/* One run over all inputs. */
struct inspect {
    struct env *env;
    const struct opt_common *common;
    bool pem, color;
    const char *input;                        /* as typed */
    size_t position;                          /* of the certificate in its input, from 1 */
    const struct x509_container_entry *entry; /* the certificate as it lies there */
    struct buf file, out;
    struct arena arena; /* of one certificate */
    size_t certificates, private_keys, skipped, failures, inputs, inputs_failed;
};

static void flush_out(struct inspect *in) {
    if (in->out.n > 0)
        fwrite(in->out.p, 1, in->out.n, in->env->out);
    buf_reset(&in->out);
}

/* ---- For people ---- */

static void put_count(struct inspect *in, const char *before, int64_t days, const char *behind) {
    buf_printf(&in->out, "%s%lld day%s%s", before, (long long)days, days == 1 ? "" : "s", behind);
}

static void put_days(struct inspect *in, const struct x509_cert *cert) {
    const char *color = "", *reset = in->color ? "\x1b[0m" : "";
    int64_t now_s = env_now_s(in->env);
    if (!cert->has_not_after) {
        buf_text(&in->out, "end unknown");
        return;
    }
    int64_t days = clock_days_between(now_s, cert->not_after);
    bool is_over = now_s > cert->not_after;
    if (in->color && (is_over || days < WARN_DAYS))
        color = is_over ? "\x1b[31m" : "\x1b[33m";
    buf_text(&in->out, color);
    if (is_over)
        put_count(in, "ended ", -days, " ago");
    else if (cert->has_not_before && now_s < cert->not_before)
        put_count(in, "begins in ", clock_days_between(now_s, cert->not_before), "");
    else
        put_count(in, "", days, " left");
    buf_text(&in->out, color[0] != '\0' ? reset : "");
}

static void put_label(struct inspect *in, const char *label) {
    buf_printf(&in->out, "  %-10s", label);
}

static void put_foreign(struct inspect *in, const char *label, const struct buf *text) {
    put_label(in, label);
    text_escape(&in->out, text->n > 0 ? buf_bytes(text) : bytes_text("(empty)"));
    buf_u8(&in->out, '\n');
}

static void put_moment(struct inspect *in, bool has, int64_t unix_s) {
    char text[CLOCK_TEXT_MAX];
    buf_text(&in->out, has ? clock_write(unix_s, text) : "unreadable");
}

static void put_hex(struct inspect *in, const char *label, struct bytes b) {
    put_label(in, label);
    hex_put(&in->out, b);
    buf_u8(&in->out, '\n');
}

/* The first few of them, and how many more there are. */
static void put_names(struct inspect *in, const struct x509_alt_names *alt, struct buf *scratch) {
    const struct x509_names *lists[] = {&alt->dns, &alt->ip, &alt->email, &alt->uri,
                                        &alt->directory};
    size_t n = 0;
    buf_reset(scratch);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (size_t k = 0; k < lists[i]->n; k++) {
            if (++n > NAMES_SHOWN)
                continue;
            buf_text(scratch, n > 1 ? ", " : "");
            if (lists[i] == &alt->ip)
                x509_ip_text(lists[i]->items[k], scratch);
            else if (lists[i] == &alt->directory)
                x509_name_text(lists[i]->items[k], scratch);
            else
                buf_put(scratch, lists[i]->items[k]);
        }
    }
    if (n > NAMES_SHOWN)
        buf_printf(scratch, ", and %zu more", n - NAMES_SHOWN);
    if (alt->other > 0)
        buf_printf(scratch, "%s%zu of other kinds", n > 0 ? ", " : "", alt->other);
    if (scratch->n > 0)
        put_foreign(in, "names", scratch);
}

static void put_key(struct inspect *in, const struct x509_cert *cert) {
    put_label(in, "key");
    buf_text(&in->out, cert->key.algorithm);
    if (cert->key.curve != NULL)
        buf_printf(&in->out, " %s", cert->key.curve);
    else if (cert->key.bits > 0)
        buf_printf(&in->out, " %u", cert->key.bits);
    buf_printf(&in->out, ", signed with %s", cert->signature_algorithm);
    if (cert->is_ca)
        buf_text(&in->out, ", CA");
    if (x509_cert_self_signed(cert) == X509_YES)
        buf_text(&in->out, ", self-signed");
    buf_u8(&in->out, '\n');
}

static void put_deviations(struct inspect *in, unsigned deviations) {
    const struct x509_deviation_row *row;
    for (size_t i = 0; (row = x509_deviation_row(i)) != NULL; i++) {
        if ((deviations & row->bit) == 0)
            continue;
        put_label(in, "deviates");
        buf_printf(&in->out, "%s (%s)\n", row->text, row->source);
    }
}

static void show_for_people(struct inspect *in, const struct x509_cert *cert) {
    struct buf scratch;
    uint8_t sha256[X509_SHA256_SIZE];
    buf_init(&scratch, OUTPUT_MAX);
    buf_text(&in->out, in->certificates > 0 ? "\n" : "");
    put_days(in, cert);
    buf_text(&in->out, "  ");
    x509_cert_display_name(cert, &scratch);
    text_escape(&in->out, buf_bytes(&scratch));
    buf_u8(&in->out, '\n');
    put_label(in, "valid");
    put_moment(in, cert->has_not_before, cert->not_before);
    buf_text(&in->out, " to ");
    put_moment(in, cert->has_not_after, cert->not_after);
    buf_u8(&in->out, '\n');
    buf_reset(&scratch);
    x509_name_text(cert->subject, &scratch);
    put_foreign(in, "subject", &scratch);
    buf_reset(&scratch);
    x509_name_text(cert->issuer, &scratch);
    put_foreign(in, "issuer", &scratch);
    put_names(in, &cert->alt, &scratch);
    put_key(in, cert);
    put_hex(in, "serial", cert->serial);
    x509_cert_sha256(cert, sha256);
    put_hex(in, "SHA-256", bytes_of(sha256, sizeof sha256));
    put_deviations(in, cert->deviations);
    put_label(in, "from");
    text_escape(&in->out, bytes_text(in->input));
    buf_printf(&in->out, ", certificate %zu\n", in->position);
    if (in->pem)
        pem_write(&in->out, "CERTIFICATE", cert->der);
    buf_clear(&scratch);
}

/* ---- For machines ---- */

static void show_as_json(struct inspect *in, const struct x509_cert *cert) {
    struct json j = json_to(&in->out);
    json_object(&j, NULL);
    model_certificate_json(&j, cert, in->pem);
    json_text(&j, "input", in->input);
    json_text(&j, "container", x509_container_name(in->entry->type));
    json_end(&j, '}');
    buf_u8(&in->out, '\n');
}

static void show_summary(struct inspect *in) {
    struct json j = json_to(&in->out);
    json_object(&j, NULL);
    json_text(&j, "type", "summary");
    json_int(&j, "inputs", (int64_t)in->inputs);
    json_int(&j, "inputs_failed", (int64_t)in->inputs_failed);
    json_int(&j, "certificates", (int64_t)in->certificates);
    json_int(&j, "errors", (int64_t)in->failures);
    json_int(&j, "private_keys", (int64_t)in->private_keys);
    json_int(&j, "skipped", (int64_t)in->skipped);
    json_end(&j, '}');
    buf_u8(&in->out, '\n');
    flush_out(in);
}

static void report(struct inspect *in, const struct fault *f) {
    char text[FAULT_DETAIL_MAX + 200];
    fault_text(f, text, sizeof text);
    in->failures++;
    if (in->common->json) {
        struct json j = json_to(&in->out);
        json_object(&j, NULL);
        json_text(&j, "type", "error");
        json_text(&j, "input", in->input);
        json_text(&j, "code", err_row(f->code)->name);
        json_text(&j, "detail", text);
        json_end(&j, '}');
        buf_u8(&in->out, '\n');
        flush_out(in);
        return;
    }
    struct buf line;
    buf_init(&line, OUTPUT_MAX);
    text_escape(&line, bytes_text(in->input));
    fprintf(in->env->err, "ers inspect: %s: %s\n", buf_cstr(&line), text);
    buf_clear(&line);
}

static void note(struct inspect *in, size_t n, const char *one, const char *many) {
    struct buf line;
    if (n == 0 || in->common->quiet || in->common->json)
        return;
    buf_init(&line, OUTPUT_MAX);
    text_escape(&line, bytes_text(in->input));
    if (n == 1)
        buf_printf(&line, ": note: %s", one);
    else
        buf_printf(&line, ": note: %zu %s", n, many);
    fprintf(in->env->err, "ers inspect: %s\n", buf_cstr(&line));
    buf_clear(&line);
}

/* ---- Reading ---- */

static void show_certificate(struct inspect *in, struct bytes der) {
    struct x509_cert cert;
    struct fault f;
    arena_reset(&in->arena);
    in->position++;
    if (x509_cert_read(&in->arena, der, &cert, &f) != ERR_OK) {
        report(in, &f);
        return;
    }
    if (in->common->json)
        show_as_json(in, &cert);
    else
        show_for_people(in, &cert);
    in->certificates++;
    if (in->out.err != ERR_OK) {
        fault_set(&f, in->out.err, "output", "certificate %zu is too large to show", in->position);
        buf_reset(&in->out);
        report(in, &f);
    }
    flush_out(in);
}

static void report_text(struct inspect *in, enum err code, const char *what, const char *detail) {
    struct fault f;
    fault_set(&f, code, what, "%s", detail);
    report(in, &f);
}

static bool tell_certificate(void *context, const struct x509_container_entry *entry) {
    struct inspect *in = context;
    in->entry = entry;
    show_certificate(in, entry->der);
    return in->env->stop == NULL || *in->env->stop == 0;
}

static void tell_fault(void *context, const struct fault *f) {
    report(context, f);
}

static void read_container(struct inspect *in) {
    const struct x509_container_reader reader = {
        .context = in, .certificate = tell_certificate, .fault = tell_fault};
    struct x509_container_account account;
    x509_container_read(buf_bytes(&in->file), &reader, &account);
    note(in, account.private_keys, "a private key lies in this file",
         "private keys lie in this file");
    note(in, account.others, "an object that is no certificate was left out",
         "objects that are no certificates were left out");
    in->private_keys += account.private_keys;
    in->skipped += account.others;
    if (account.certificates + account.faults == 0)
        report_text(in, ERR_NOT_FOUND, "file", "no certificate in it");
}

static enum err read_stream(struct env *env, struct buf *out, struct fault *f) {
    enum { CHUNK = 65536 };
    for (;;) {
        uint8_t *at = buf_reserve(out, CHUNK);
        if (at == NULL)
            return fault_set(f, out->err, "standard input", "%s", "too much");
        size_t n = fread(at, 1, CHUNK, env->in);
        buf_commit(out, n);
        if (n < CHUNK)
            return ferror(env->in) ? fault_set(f, ERR_IO, "standard input", "%s", "read") : ERR_OK;
    }
}

static void inspect_input(struct inspect *in, const char *input) {
    struct fault f;
    size_t failures = in->failures;
    in->input = input;
    in->position = 0;
    buf_reset(&in->file);
    enum err e = strcmp(input, "-") == 0 ? read_stream(in->env, &in->file, &f)
                                         : file_read(input, &in->file, &f);
    if (e != ERR_OK)
        report(in, &f);
    else
        read_container(in);
    in->inputs++;
    in->inputs_failed += in->failures > failures;
}

static int inspect_run(struct env *env, const void *options, const struct opt_common *common) {
    const struct inspect_options *o = options;
    struct fault f;
    if (common->words.n == 0) {
        fault_set(&f, ERR_USAGE, "name a file, or - for standard input", "%s", "");
        return opt_fail(env, common, &f);
    }
    struct inspect in = {.env = env, .common = common, .pem = o->pem};
    in.color = opt_use_color(common, 1);
    buf_init(&in.file, INPUT_MAX);
    buf_init(&in.out, OUTPUT_MAX);
    arena_init(&in.arena, CERTIFICATE_ARENA_MAX);
    bool stopped = false;
    for (size_t i = 0; i < common->words.n && !stopped; i++) {
        inspect_input(&in, common->words.items[i]);
        stopped = env->stop != NULL && *env->stop != 0;
    }
    if (common->json)
        show_summary(&in);
    buf_clear(&in.file);
    buf_clear(&in.out);
    arena_clear(&in.arena);
    if (fflush(env->out) != 0 || ferror(env->out)) {
        fault_set(&f, ERR_IO, "standard output", "%s", "write");
        return opt_fail(env, common, &f);
    }
    if (stopped)
        return err_row(ERR_INTERRUPTED)->exit_status;
    return in.failures > 0 ? err_row(ERR_FAILED)->exit_status : 0;
}

static const struct opt_row rows[] = {
    {OPT_FLAG, 0, "pem",  NULL,   offsetof(struct inspect_options, pem),
     "print each certificate as PEM too"},
    {OPT_END,        0,   NULL, NULL, 0,                            NULL                              },
};

const struct opt_command ers_inspect = {
    .name = "inspect",
    .arguments = "FILE|-...",
    .summary = "shows the certificates in files",
    .examples = "ers inspect /etc/ssl/certs/mail.pem\n"
                "ers inspect --json chain.pem server.der\n"
                "openssl s_client -connect mail.example.com:443 </dev/null | ers inspect -",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct inspect_options),
    .run = inspect_run,
};
