/* Inner shapes of web/auth; see auth.h for what they are for. */
#ifndef AUTH_AUTH_PRIVATE_H
#define AUTH_AUTH_PRIVATE_H

#include "web/auth/auth.h"

#include "base/file.h"
#include "base/thread.h"
#include "crypto/crypto.h"

enum {
    USERS_MAX = 4096,
    TOKENS_MAX = 16384,
    SESSIONS_MAX = 4096,
    SESSIONS_PER_USER = 20, /* one more ends the one idle longest */
    ATTEMPTS_SLOTS = 4096,  /* a power of two */
    NONCES_MAX = 1 << 20,
    AUTH_FILE_MAX = 16 << 20,
};

struct user_row {
    struct auth_user user;
    char verifier[PASSWORD_VERIFIER_MAX]; /* "" while there is no password */
};

struct user_list {
    struct user_row *rows; /* sorted by name */
    size_t n;
};

struct token_row {
    bool is_link;
    uint8_t hash[SHA256_SIZE]; /* of the secret's text */
    struct auth_token token;
    char user[AUTH_USER_MAX + 1]; /* links only */
};

struct token_list {
    struct token_row *rows;
    size_t n;
};

struct session_row {
    uint8_t hash[SHA256_SIZE];
    char user[AUTH_USER_MAX + 1];
    uint64_t stamp;             /* the user's when it began */
    uint64_t begun_ms, seen_ms; /* env's tick */
};

struct attempt_slot {
    uint64_t key; /* 0: free */
    uint64_t failed;
    uint64_t last_ms; /* env's tick */
};

struct nonce_row {
    uint8_t id[16]; /* all zero: free */
};

/* One generation of nonces: an open-addressed set that doubles. */
struct nonce_set {
    struct nonce_row *rows;
    size_t n, slots; /* slots: a power of two, or 0 */
};

struct nonces {
    struct nonce_set now, before;
    int64_t since_s; /* when `now` was begun */
    struct file file;
    uint64_t file_size;
    char *path;
};

struct auth {
    const struct env *env;
    struct arena arena; /* paths */
    /* Two locks, never both taken by a reader. `change` is held by whoever changes
     * a list and writes its file; `state` only for as long as memory is touched. */
    struct mutex *change, *state;
    char *users_path, *tokens_path;
    struct user_list users;
    struct token_list tokens;
    struct session_row *sessions;
    size_t sessions_n;
    struct attempt_slot *attempts;
    uint8_t attempts_key[SHA256_SIZE]; /* so that nobody can aim at a slot */
    struct nonces nonces;
};

enum err users_load(struct auth *a, struct fault *f) MUST_CHECK;
enum err tokens_load(struct auth *a, struct fault *f) MUST_CHECK;
enum err nonces_load(struct auth *a, const char *path, struct fault *f) MUST_CHECK;
void nonces_close(struct auth *a);

/* Ends all sessions of a user. Takes `state`. */
void sessions_end_of(struct auth *a, struct bytes user);
/* Removes the links of a user. Takes both locks. */
enum err links_end_of(struct auth *a, struct bytes user, struct fault *f) MUST_CHECK;

/* 32 random bytes as text, and the hash under which the text is kept. */
enum err secret_make(struct auth *a, char text[AUTH_SECRET_TEXT + 1], uint8_t hash[SHA256_SIZE],
                     struct fault *f) MUST_CHECK;
void secret_hash(struct bytes text, uint8_t hash[SHA256_SIZE]);

/* Copies at most size - 1 bytes and a NUL; false where it does not fit. */
bool text_copy(char *out, size_t size, struct bytes in);

/* Password rules, apart from the user. */
enum err password_check(struct bytes password, struct fault *f) MUST_CHECK;

/* Readers of the two files, apart from files, for tests and fuzzers. The rows are
 * malloc'ed; the caller frees them. ERR_DAMAGED names the line. */
enum err users_read(struct bytes text, struct user_list *out, struct fault *f) MUST_CHECK;
void users_write(const struct user_list *list, struct buf *out);
enum err tokens_read(struct bytes text, struct token_list *out, struct fault *f) MUST_CHECK;
void tokens_write(const struct token_list *list, struct buf *out);

/* Remembers a nonce of a key. ERR_CREDENTIALS: seen before; ERR_BUSY: too many
 * within the window. Takes `state`. */
enum err nonces_add(struct auth *a, const uint8_t keyid[AUTH_KEYID_SIZE], struct bytes nonce,
                    struct fault *f) MUST_CHECK;

#endif
