/* Backups: a folder from which a server can be had again, elsewhere too.
 *
 * DIR/manifest.json   what the backup is, and every file of it with size and SHA-256
 * DIR/files/SHA256    the files, by the hex SHA-256 of their bytes
 * DIR/lock            held while one is being made
 *
 * A file that is there already, whole (its bytes are read and hashed), is not copied again: what
 * was sealed is copied once, only the last segment each time, and a segment from which payloads
 * were dropped once more. New files get their name when
 * they are durable; the manifest is then replaced in one step, and what the new one does not name
 * goes after that. So at any moment, after a crash too, the manifest that is there has all its
 * files. Segments that are new to it are read through before they count: what is damaged in the
 * log ends the backup (ERR_DAMAGED), and the one before stays.
 *
 * manifest.json, a JSON object; unknown members are passed over, a higher `format` is refused:
 *
 *   {"format":1,"version":"of the program","time":"...Z","server":"name","entries":N,
 *    "root":"hex, of the tree over them","secrets":"sealed"|"none",
 *    "files":[{"name":"log/00000001.seg","size":N,"sha256":"hex",
 *              "entries":N,"root":"hex"},...]}
 *
 * `entries` and `root` of a segment: the tree behind it. Names are "log/NNNNNNNN.seg", without
 * gaps from 1 on and before all others, or made of letters, digits, "." and "-", not beginning
 * with a dot. "secrets.sealed" is a message under a passphrase (crypto.h) that holds, one behind
 * the other:
 *
 *   offset  size
 *   0       1     n, and the name of a secret file in n bytes
 *   n+1     4     m, and its bytes
 *
 * One thread a call. The time is env's.
 */
#ifndef STORE_BACKUP_BACKUP_H
#define STORE_BACKUP_BACKUP_H

#include "base/arena.h"
#include "base/env.h"
#include "crypto/crypto.h"
#include "store/log/log.h"

#define BACKUP_SECRETS "secrets.sealed"

enum {
    BACKUP_FORMAT = 1,
    BACKUP_NAME_MAX = 64,
    BACKUP_FILES_MAX = 100000,
    BACKUP_MANIFEST_MAX = 32 << 20,
    BACKUP_SMALL_MAX = 64 << 20, /* of a file that is no segment, and of all secrets */
    BACKUP_OLD_S = 48 * 60 * 60, /* then people are told */
};

struct backup_file {
    const char *name;
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];
    uint64_t entries; /* segments: behind it */
    uint8_t root[STORE_HASH_SIZE];
};

struct backup_manifest {
    const char *version, *server;
    int64_t time_s;
    uint64_t entries;
    uint8_t root[STORE_HASH_SIZE];
    bool has_secrets;
    struct backup_file *files;
    size_t files_n;
};

/* Is it a name that a file of a backup may have? *segment: its number, 0 for others. */
bool backup_name_valid(struct bytes name, uint32_t *segment);

void backup_manifest_write(const struct backup_manifest *m, struct buf *out);
/* ERR_FORMAT names the member; ERR_UNSUPPORTED: a later format. All in the arena; borrows text. */
enum err backup_manifest_read(struct arena *a, struct bytes text, struct backup_manifest *out,
                              struct fault *f) MUST_CHECK;
/* DIR's. ERR_NOT_FOUND: there is none. */
enum err backup_manifest_load(struct arena *a, const char *dir, struct backup_manifest *out,
                              struct fault *f) MUST_CHECK;

/* ---- Making one ---- */

struct backup_source {
    const char *name;
    struct bytes content;
};

struct backup_job {
    const char *dir, *data; /* of the backup; of the store */
    struct store_point point;
    const char *version, *server;
    bool has_secrets;
    const struct backup_source *sources; /* all but the log */
    size_t sources_n;
};

struct backup_made {
    uint64_t files, bytes;               /* of the backup */
    uint64_t copied_files, copied_bytes; /* of them */
    int64_t time_s;
};

/* Makes or renews the backup in job->dir, made if absent (0700). ERR_LOCKED: another one is being
 * made; ERR_CONFLICT: there lies one of another server, or of a later state; ERR_DAMAGED: the log
 * is, or its last segment was rewritten meanwhile: ask for the point anew. */
enum err backup_make(const struct env *env, const struct backup_job *job, struct backup_made *out,
                     struct fault *f) MUST_CHECK;

/* What "secrets.sealed" holds. `out` is one that wipes (crypto_buf_init). */
void backup_secret_put(struct buf *out, const char *name, struct bytes content);
/* The next one; false at the end, then cur_end tells whether all was well. */
bool backup_secret_take(struct cur *c, struct bytes *name, struct bytes *content);

/* ---- Having it again ---- */

/* Copies the segments to `data`/log, which must not exist, and reads the whole log: each file
 * must be the manifest's, and so must the tree. ERR_DAMAGED names the file. */
enum err backup_restore_log(const char *dir, const struct backup_manifest *m, const char *data,
                            struct fault *f) MUST_CHECK;
/* Appends a file that is no segment. ERR_NOT_FOUND: the backup has none of that name;
 * ERR_DAMAGED: it is not the manifest's. */
enum err backup_file_read(const char *dir, const struct backup_manifest *m, const char *name,
                          struct buf *out, struct fault *f) MUST_CHECK;

/* ---- The last one that was made: DATA/backup, JSON ---- */

struct backup_note {
    int64_t time_s; /* 0: there was none */
    const char *folder;
    uint64_t entries, bytes;
    bool has_secrets;
};
enum err backup_note_write(const char *data, const struct backup_note *note,
                           struct fault *f) MUST_CHECK;
/* Zeroed where there is none, or one that does not read. In the arena. */
void backup_note_read(struct arena *a, const char *data, struct backup_note *out);

#endif
