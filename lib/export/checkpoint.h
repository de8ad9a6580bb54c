/* Checkpoints: the signed head of a log, as others read and witness it.
 *
 * C2SP signed-note and tlog-checkpoint, with Ed25519 (RFC 8032):
 *
 *   clm.example.com/log/1f3a9c02            the log's name, which is the key's name too
 *   1042                                    entries, decimal
 *   Li7sZ3...=                              root of the Merkle tree (RFC 9162), base64
 *                                           a line without anything
 *   — clm.example.com/log/1f3a9c02 x08go... a signature: base64 of the key's id and 64 bytes
 *
 * Signed is all up to the empty line. A key's id is the first 4 bytes of
 * SHA-256(name || 0A || 01 || public key). Who verifies has the key as one line,
 * "NAME+ID in hex+base64(01 || public key)", as Go's sumdb/note and witnesses take it.
 *
 * No I/O. Any thread.
 */
#ifndef EXPORT_CHECKPOINT_H
#define EXPORT_CHECKPOINT_H

#include "base/buf.h"
#include "crypto/crypto.h"

enum {
    CHECKPOINT_NAME_MAX = 127,
    CHECKPOINT_NOTE_MAX = 16 << 10, /* with the signatures of others */
};

struct checkpoint_key {
    char name[CHECKPOINT_NAME_MAX + 1];
    uint8_t public_key[32];
    uint8_t id[4]; /* follows from both */
};

struct checkpoint {
    uint64_t size;
    uint8_t root[SHA256_SIZE];
};

/* ERR_USAGE: a name that is empty, too long, or has a blank, a '+' or what is no ASCII. */
enum err checkpoint_key_set(struct checkpoint_key *key, struct bytes name,
                            const uint8_t public_key[32], struct fault *f) MUST_CHECK;
/* The line for verifiers, without its end. */
void checkpoint_key_write(const struct checkpoint_key *key, struct buf *out);
/* Blanks and line ends around it are allowed. ERR_FORMAT. */
enum err checkpoint_key_read(struct bytes line, struct checkpoint_key *out,
                             struct fault *f) MUST_CHECK;

/* secret: as ed25519_make gives it, of this key. */
void checkpoint_write(const struct checkpoint *c, const struct checkpoint_key *key,
                      const uint8_t secret[64], struct buf *out);
/* Reads a note, with CRLF too. Lines of extensions and signatures of others are passed
 * over. ERR_FORMAT: it is none; ERR_CONFLICT: of another log than the key's;
 * ERR_CREDENTIALS: not signed by this key, or the signature does not hold. */
enum err checkpoint_read(struct bytes note, const struct checkpoint_key *key,
                         struct checkpoint *out, struct fault *f) MUST_CHECK;

#endif
