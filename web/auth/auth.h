/* Who may do what: users, sessions, one-time secrets, agents' signatures.
 *
 * What is secret lies in files of mode 0600 beside the log, never in the log:
 *   DATA/users    name:role:verifier:state, a line a user (users.c)
 *   DATA/tokens   hashes of enrolment tokens and of one-time links (tokens.c)
 *   DATA/nonces   nonces of signed requests that could still be replayed (nonces.c)
 * Sessions and counters of failed log-ins live in memory and end with the process.
 *
 * A change is on the disk when its call returns ERR_OK; one that failed changed
 * nothing. Any thread. Calls marked *slow* take a tenth of a second and more
 * (Argon2id) or wait for the disk: keep them off a loop thread.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "base/buf.h"
#include "base/env.h"
#include "net/signature.h"

enum {
    AUTH_USER_MAX = 64,    /* bytes of a user's name */
    AUTH_AGENT_MAX = 253,  /* of an agent's name: a host name */
    AUTH_NETWORK_MAX = 64, /* of a network's label */
    AUTH_SECRET_TEXT = 43, /* 32 random bytes as base64url */
    AUTH_ID_TEXT = 16,     /* of a token: eight bytes in hex */
    AUTH_KEYID_SIZE = 32,  /* of an agent's key: SHA-256 of its SubjectPublicKeyInfo */
    AUTH_PASSWORD_MIN = 12,
    AUTH_PASSWORD_MAX = 1024,
};

/* In rising order: each role may do what those before it may, except that
 * agents are a world of their own (auth_role_allows). */
enum auth_role { AUTH_PUBLIC, AUTH_AGENT, AUTH_VIEWER, AUTH_ADMIN };

const char *auth_role_name(enum auth_role role);
/* "viewer" or "admin": the roles that people have. */
bool auth_role_read(struct bytes text, enum auth_role *role);
/* May someone of role `has` do what needs `needs`? */
bool auth_role_allows(enum auth_role has, enum auth_role needs);

/* Names. Users: letters, digits, ". _ @ -"; agents: letters, digits, ". _ -";
 * patterns of agents' names: the same and "*"; networks: as agents. They begin with
 * a letter or digit. */
bool auth_user_name_valid(struct bytes name);
bool auth_agent_name_valid(struct bytes name);
bool auth_pattern_valid(struct bytes pattern);
bool auth_network_valid(struct bytes network);
/* "*" stands for any run of characters, letters in either case. */
bool auth_pattern_matches(struct bytes pattern, struct bytes name);

struct auth; /* opaque */

/* Reads the files of `data_dir`, which must exist; absent files are empty ones.
 * ERR_DAMAGED names the file and line that does not parse. Borrows env. */
enum err auth_open(const struct env *env, const char *data_dir, struct auth **out,
                   struct fault *f) MUST_CHECK;
void auth_close(struct auth *a);

/* Users. */
struct auth_user {
    char name[AUTH_USER_MAX + 1];
    enum auth_role role;
    bool is_disabled, has_password;
    uint64_t stamp; /* another one with each password; tells nothing of it */
};

/* The i-th in order of names; false behind the last. */
bool auth_user_at(struct auth *a, size_t i, struct auth_user *out);
bool auth_user_find(struct auth *a, struct bytes name, struct auth_user *out);
/* Without a password: log-in needs one set first. ERR_USAGE, ERR_EXISTS, ERR_LIMIT. Slow. */
enum err auth_user_add(struct auth *a, struct bytes name, enum auth_role role,
                       struct fault *f) MUST_CHECK;
/* Ends the user's sessions and links. The last active administrator with a
 * password cannot be disabled: ERR_CONFLICT. ERR_NOT_FOUND. Slow. */
enum err auth_user_disable(struct auth *a, struct bytes name, struct fault *f) MUST_CHECK;
enum err auth_user_enable(struct auth *a, struct bytes name, struct fault *f) MUST_CHECK;
/* Ends the user's sessions. ERR_USAGE for a password that is too short or long. Slow. */
enum err auth_user_set_password(struct auth *a, struct bytes name, struct bytes password,
                                struct fault *f) MUST_CHECK;
/* ERR_CREDENTIALS whatever the reason; it takes as long for a name that is unknown. Slow. */
enum err auth_user_verify(struct auth *a, struct bytes name, struct bytes password,
                          struct auth_user *out, struct fault *f) MUST_CHECK;

/* Log-in attempts are limited per user and address, and per address; a /64 of IPv6
 * is one address. Counts one and returns 0, or returns how long to wait in ms. Memory is bounded:
 * with very many addresses at once the oldest counts are forgotten. */
uint64_t auth_attempt(struct auth *a, struct bytes user, struct bytes address);
void auth_attempt_good(struct auth *a, struct bytes user, struct bytes address); /* forgets */

/* Sessions: 256 random bits, of which only the hash is kept; an hour idle, twelve at most.
 * `user` as verified: where the password was changed since, the session is worth nothing. */
enum err auth_session_begin(struct auth *a, const struct auth_user *user,
                            char secret[AUTH_SECRET_TEXT + 1], struct fault *f) MUST_CHECK;
/* False: none such, ended, or its user was disabled or has another password. */
bool auth_session_find(struct auth *a, struct bytes secret, struct auth_user *out);
void auth_session_end(struct auth *a, struct bytes secret);

/* One-time links: the bearer sets the user's password. A new one replaces the user's older one. */
enum err auth_link_make(struct auth *a, struct bytes user, int64_t valid_s,
                        char secret[AUTH_SECRET_TEXT + 1], struct fault *f) MUST_CHECK;
/* Uses the link up. ERR_CREDENTIALS: unknown, used, ended; ERR_USAGE: the
 * password, and the link stays. Slow. */
enum err auth_link_take(struct auth *a, struct bytes secret, struct bytes password,
                        struct auth_user *out, struct fault *f) MUST_CHECK;

/* Enrolment tokens. */
struct auth_token {
    char id[AUTH_ID_TEXT + 1];
    uint64_t uses; /* left */
    int64_t created_s, end_s;
    char network[AUTH_NETWORK_MAX + 1]; /* "" leaves the choice to the agent */
    char names[AUTH_AGENT_MAX + 1];     /* pattern; "*" for any */
    char for_agent[AUTH_AGENT_MAX + 1]; /* re-enrols this agent; "" for new ones */
};

/* Id and created_s are filled in, the rest is taken from *want and checked. Slow. */
enum err auth_token_make(struct auth *a, struct auth_token *want, char secret[AUTH_SECRET_TEXT + 1],
                         struct fault *f) MUST_CHECK;
bool auth_token_at(struct auth *a, size_t i,
                   struct auth_token *out); /* those that can still be used */
/* Is it good for this agent? ERR_CREDENTIALS: unknown, spent, ended; ERR_PERMISSION:
 * not for this name or network. Nothing is used up. */
enum err auth_token_look(struct auth *a, struct bytes secret, struct bytes agent_name,
                         struct bytes network, struct auth_token *out, struct fault *f) MUST_CHECK;
/* The same, and uses it once. Slow. */
enum err auth_token_take(struct auth *a, struct bytes secret, struct bytes agent_name,
                         struct bytes network, struct auth_token *out, struct fault *f) MUST_CHECK;
enum err auth_token_revoke(struct auth *a, struct bytes id, struct fault *f) MUST_CHECK;

/* Agents' signed requests (net/signature.h has the form). Views are borrowed; a
 * header that is not there has p NULL. */
struct auth_signed {
    struct bytes method, target; /* "/path?query" as in the request line */
    struct bytes signature_input, signature, content_digest, content_encoding;
    struct bytes body; /* as sent */
    bool has_body;
};

enum { AUTH_CLOCK_S = 300 }; /* how far `created` may be from our clock */

/* First step, before the key is known: the form of Signature-Input, and the clock.
 * ERR_CREDENTIALS; ERR_CLOCK where only the clock is the reason. */
enum err auth_signature_read(const struct auth *a, const struct auth_signed *rq,
                             struct signature_params *params, uint8_t keyid[AUTH_KEYID_SIZE],
                             struct fault *f) MUST_CHECK;
/* Second step, with the key's SubjectPublicKeyInfo: what is covered, the digest of
 * the body, the signature, the clock again, and that the nonce is new. Takes the nonce
 * only when all else holds. ERR_CREDENTIALS; ERR_CLOCK; ERR_BUSY when too many nonces are
 * remembered. Nonces outlive a restart, but not a crash of the whole machine. */
enum err auth_signature_check(struct auth *a, const struct auth_signed *rq,
                              const struct signature_params *params, struct bytes spki,
                              struct fault *f) MUST_CHECK;

#endif
