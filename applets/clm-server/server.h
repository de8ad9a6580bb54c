/* What the commands of clm-server share: settings, identity, the open house.
 *
 * Files. server.conf lies in the folder given by --config, else in the one given by
 * --data, else in the system's place for configuration; profiles.conf beside it. In the
 * data folder:
 *
 *   log/          the store             users, tokens, nonces   web/auth
 *   root.pem      our own root          root.key                its key, 0600
 *   server.pem    0600: key and certificate of the server, made by that root
 *   issuing.pem   0600: key and certificate of the built-in authority (lib/ca)
 *   ca-root.*     its root, where root.* does not serve: the certificate of the server is
 *                 yours, or the root was made for the server's certificate alone
 *   log.key       0600: the key that signs checkpoints of the log; log.pub who it is
 *   control.sock  local administration while the server runs
 *   digest        what the last mail said, and one that could not be sent
 *   backup        when the last backup was made, and where (store/backup)
 */
#ifndef CLM_SERVER_SERVER_H
#define CLM_SERVER_SERVER_H

#include "base/opt.h"
#include "store/inventory/inventory.h"
#include "web/api/api.h"
#include "web/auth/auth.h"

extern const struct opt_command clm_server_init, clm_server_run, clm_server_token, clm_server_user,
    clm_server_check, clm_server_checkpoint, clm_server_digest, clm_server_backup,
    clm_server_restore, clm_server_import, clm_server_compact;

/* The keys of server.conf; the same rows serve `init` as options. */
struct settings {
    const char *name, *listen, *cert, *key, *data;
    const char *mail_to, *mail_from;             /* of the daily digest; see mail.c */
    const char *backup, *backup_passphrase_file; /* of the nightly backup; see backup.c */
    const char *retention;                       /* of observations; see compact.c */
    const char *smtp_url, *smtp_tls, *smtp_user, *smtp_password_file, *smtp_ca;
    /* Derived: */
    const char *file;     /* server.conf */
    const char *profiles; /* profiles.conf; it may be absent */
    const char **names;   /* canonical; the first is the one in URLs */
    size_t names_n;
    const char **listens; /* as http_options wants them */
    size_t listens_n;
};
extern const struct opt_row settings_rows[];

/* Finds the places only: `file`, `profiles` and `data` are set. data may be NULL. */
enum err settings_places(const struct opt_common *common, const char *data, struct settings *s,
                         struct fault *f) MUST_CHECK;
/* Reads server.conf; ERR_NOT_FOUND says to init first. */
enum err settings_read(const struct opt_common *common, const char *data, struct settings *s,
                       struct fault *f) MUST_CHECK;
/* Takes name and listen apart, in the arena. ERR_USAGE names the bad word. */
enum err settings_derive(struct arena *a, struct settings *s, struct fault *f) MUST_CHECK;
/* "https://clm.example.com:8443" for that port. NULL: no memory. */
char *settings_url(struct arena *a, const struct settings *s, unsigned port);
/* The port of the first listen word; 0 where it lets the system choose. */
unsigned settings_port(const struct settings *s);
char *settings_path(struct arena *a, const struct settings *s, const char *name); /* in data */
/* What `retention` says. ERR_USAGE: no duration, or less than a day. */
enum err settings_retention(const struct settings *s, uint64_t *ms, struct fault *f) MUST_CHECK;
/* Appends the one line of a file with a secret, which nobody else may read; `key` names the
 * option or key that gave the path. */
enum err settings_secret(const char *key, const char *path, struct buf *out,
                         struct fault *f) MUST_CHECK;

/* What the server shows in TLS, in the arena. */
struct identity {
    struct bytes key_der;
    struct bytes chain[HTTP_CHAIN_MAX];
    size_t chain_n;
    const char *pin;         /* for enrolment tokens */
    const char *root_sha256; /* hex; NULL for a certificate of yours without its root */
    int64_t not_after;
};

/* A root of ours, NAME.pem and NAME.key in the data folder: "root" or "ca-root". The
 * certificate's views are in the arena, the key is the caller's. */
struct identity_root {
    struct signing_key *key;
    struct x509_cert cert;
};
enum err identity_make_root(const struct env *env, struct arena *a, const struct settings *s,
                            const char *name, struct fault *f) MUST_CHECK;
enum err identity_load_root(struct arena *a, const struct settings *s, const char *name,
                            struct identity_root *out, struct fault *f) MUST_CHECK;
/* A certificate made by "root", into the data folder. */
enum err identity_make_server(const struct env *env, struct arena *a, const struct settings *s,
                              struct fault *f) MUST_CHECK;
/* Yours where server.conf has cert and key, else our own. ERR_CONFLICT where key and
 * certificate do not belong together. */
enum err identity_load(struct arena *a, const struct settings *s, struct identity *out,
                       struct fault *f) MUST_CHECK;
/* Makes our own anew where less than a third of its time is left or a name is missing
 * in it. *renewed tells. Certificates of yours are left alone. */
enum err identity_renew(const struct env *env, struct arena *a, const struct settings *s,
                        bool *renewed, struct fault *f) MUST_CHECK;

/* The built-in authority: its key and certificate, made where they are missing. ERR_CONFLICT
 * where its root has ended. */
enum err authority_make(const struct env *env, struct arena *a, const struct settings *s,
                        bool *made, struct fault *f) MUST_CHECK;
/* Its certificate made anew (key and name stay), where it would soon cut certificates
 * short and the root lets it live longer. *renewed tells. */
enum err authority_renew(const struct env *env, struct arena *a, const struct settings *s,
                         bool *renewed, struct fault *f) MUST_CHECK;
/* profiles.conf as it is, or the default where it is absent. ERR_FORMAT names file and line. */
enum err profiles_read(struct arena *a, const struct settings *s, struct ca_profiles *out,
                       struct fault *f) MUST_CHECK;
/* Writes the default, where no file is there. */
enum err profiles_make(const struct settings *s, struct fault *f) MUST_CHECK;

/* The key that signs checkpoints, made where there is none; its name is NAME/log/ID and stays.
 * ERR_FORMAT names the file. */
enum err log_key_load(const struct env *env, struct arena *a, const struct settings *s,
                      struct api_log_key *out, struct fault *f) MUST_CHECK;

/* The store, the users and the API over them. */
struct house {
    struct inventory *inventory;
    struct auth *auth;
    struct api *api;
    struct ca *ca;               /* NULL: nothing issues */
    struct api_log_key *log_key; /* wiped at the end */
};
/* url and identity are borrowed until house_close. ERR_LOCKED where a server runs. */
enum err house_open(const struct env *env, const struct settings *s, const struct identity *id,
                    const char *url, struct house *out, struct fault *f) MUST_CHECK;
void house_close(struct house *h);
/* Opens the authority, or opens it anew: what it issues points to `url`. ERR_NOT_FOUND:
 * there is none in the data folder. */
enum err house_authority(const struct settings *s, const char *url, struct house *h,
                         struct fault *f) MUST_CHECK;

/* Calls as local administrator, one after the other: through the running server, else in a house
 * that is opened for them, where what one has begun goes on until admin_close (NULL is allowed).
 * A problem in the answer becomes the fault. Appends the JSON. Borrows all. */
struct admin;
enum err admin_open(const struct env *env, const struct opt_common *common, const char *data,
                    struct admin **out, struct fault *f) MUST_CHECK;
enum err admin_say(struct admin *admin, enum http_method method, const char *path,
                   struct bytes body, struct buf *answer, struct fault *f) MUST_CHECK;
void admin_close(struct admin *admin);
/* One API call as local administrator: through the running server, else in a house
 * opened for it. A problem in the answer becomes the fault. Appends the JSON. */
enum err admin_call(const struct env *env, const struct opt_common *common, const char *data,
                    enum http_method method, const char *path, struct bytes body,
                    struct buf *answer, struct fault *f) MUST_CHECK;
/* The code of that name; ERR_FAILED where it is none of a failure. */
enum err admin_code(struct bytes name);
/* The text of a member of an answer, "" where there is none. */
const char *admin_text(struct arena *a, struct json_value object, const char *name);

#endif
