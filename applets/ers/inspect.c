/* ers inspect: reads certificates from files and shows them.
 *
 * What a file may be, x509/container.h says. Every input is tried; one that cannot be
 * read is named and the others are still shown. Private keys that lie in a file are counted
 * and told, never decoded. A password comes from --password-file, or is asked for where
 * the empty one does not do and somebody sits there. Folders and endpoints are not read here.
 */
#include "applets/ers/ers.h"
#include "applets/ers/inspect_text.h"
#include "applets/ers/password.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "model/certificate.h"
#include "x509/container.h"

#include <string.h>

enum {
    INPUT_MAX = 64 << 20,
    CERTIFICATE_ARENA_MAX = 16 << 20,
    OUTPUT_MAX = 32 << 20, /* of one certificate */
};

struct inspect_options {
    bool pem;
    const char *password_file;
};

/* One run over all inputs. */
struct inspect {
    struct env *env;
    const struct opt_common *common;
    bool pem, color;
    const char *input;                        /* as typed */
    size_t position;                          /* of the certificate in its input, from 1 */
    const struct x509_container_entry *entry; /* the certificate as it lies there */
    bool has_password;
    struct buf password; /* of --password-file */
    struct buf file, out;
    struct arena arena; /* of one certificate */
    size_t certificates, private_keys, skipped, failures, inputs, inputs_failed;
};

static void flush_out(struct inspect *in) {
    if (in->out.n > 0)
        fwrite(in->out.p, 1, in->out.n, in->env->out);
    buf_reset(&in->out);
}

/* ---- Output ---- */

static void show_for_people(struct inspect *in, const struct x509_cert *cert) {
    struct inspect_place place = {in->input, in->position, in->entry->name};
    buf_text(&in->out, in->certificates > 0 ? "\n" : "");
    inspect_text_put(&in->out, cert, env_now_s(in->env), in->color, &place);
    if (in->pem)
        pem_write(&in->out, "CERTIFICATE", cert->der);
}

static void show_as_json(struct inspect *in, const struct x509_cert *cert) {
    struct json j = json_to(&in->out);
    json_object(&j, NULL);
    model_certificate_json(&j, cert, in->pem);
    json_text(&j, "input", in->input);
    json_text(&j, "container", x509_container_name(in->entry->type));
    if (in->entry->name.n > 0)
        json_bytes(&j, "alias", in->entry->name);
    else
        json_null(&j, "alias");
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

/* Only somebody who sits there is asked; an empty answer gives up. */
static bool ask_password(void *context, struct buf *password) {
    struct inspect *in = context;
    struct buf prompt;
    struct fault ignored;
    if (in->has_password || strcmp(in->input, "-") == 0 || !os_is_terminal(0))
        return false;
    buf_init(&prompt, OUTPUT_MAX);
    buf_text(&prompt, "Password of ");
    text_escape(&prompt, bytes_text(in->input));
    buf_text(&prompt, ": ");
    fflush(in->env->out);
    bool is_given = os_read_secret(buf_cstr(&prompt), password, &ignored) == ERR_OK;
    buf_clear(&prompt);
    return is_given && password->n > 0;
}

static void read_container(struct inspect *in) {
    const struct bytes password = buf_bytes(&in->password);
    const struct x509_container_reader reader = {.context = in,
                                                 .certificate = tell_certificate,
                                                 .fault = tell_fault,
                                                 .password = in->has_password ? &password : NULL,
                                                 .ask = ask_password};
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
    in.has_password = o->password_file != NULL;
    buf_init(&in.password, PASSWORD_FILE_MAX);
    if (in.has_password && password_read(o->password_file, &in.password, &f) != ERR_OK) {
        password_clear(&in.password);
        return opt_fail(env, common, &f);
    }
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
    password_clear(&in.password);
    if (fflush(env->out) != 0 || ferror(env->out)) {
        fault_set(&f, ERR_IO, "standard output", "%s", "write");
        return opt_fail(env, common, &f);
    }
    if (stopped)
        return err_row(ERR_INTERRUPTED)->exit_status;
    return in.failures > 0 ? err_row(ERR_FAILED)->exit_status : 0;
}

/* clang-format off */
#define AT(member) offsetof(struct inspect_options, member)
static const struct opt_row rows[] = {
    {OPT_FLAG, 0, "pem",           NULL,   AT(pem),           "print each certificate as PEM too"},
    {OPT_TEXT, 0, "password-file", "FILE", AT(password_file), "its first line opens PKCS#12 files, and checks Java's"},
    {OPT_END,  0, NULL,            NULL,   0,                 NULL},
};
/* clang-format on */

const struct opt_command ers_inspect = {
    .name = "inspect",
    .arguments = "FILE|-...",
    .summary = "shows the certificates in files: PEM, DER, PKCS#7, PKCS#12, JKS",
    .examples = "ers inspect /etc/ssl/certs/mail.pem\n"
                "ers inspect --json chain.pem server.der keystore.jks\n"
                "ers inspect --password-file secret.txt server.p12\n"
                "openssl s_client -connect mail.example.com:443 </dev/null | ers inspect -",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct inspect_options),
    .run = inspect_run,
};
