/* The index: the whole state in one file beside the log, mapped at the start instead of
 * being rebuilt. Private to store/inventory.
 *
 * It is disposable. All of it follows from the log; where it is missing, damaged, of
 * another build or of another log, it is rebuilt from there and written anew. Files are
 * `DIR/index/00000001.idx` and so on; the highest number counts, and there is one file
 * but for the moment in which the next takes its place.
 *
 * The file, integers and structs as this machine and this build have them:
 *
 *   0      struct index_head, zeros up to 4096
 *   4096   sections, each at a multiple of 4096, zeros between them, in this order:
 *          rows       9: certificates, words, sightings, faces, endpoints, agents,
 *                     requests, revocations, services (struct state_... in state.h)
 *          tables     11: slots of 4 bytes, index of a row + 1 or 0; hashed with the seed
 *          orders     9: indexes of rows, 4 bytes each
 *          texts      whole pieces of TEXTS_PIECE bytes
 *          names      of certificates, the same
 *          signs      of the names: see signs.h
 *          places     of the log's blocks: struct store_place
 *
 * Valid is a file whose magic, byte order, INDEX_VERSION, build and size are those that
 * the head should have, whose head's checksum holds, whose sections lie within it and
 * behind each other and have the sizes that their kind allows. Sound is a valid one whose
 * sections' checksums hold. Only what is sound is used: what rows say is not looked at again.
 *
 * It holds for one log: the mark in it is checked when the log is opened (log.h).
 */
#ifndef STORE_INVENTORY_INDEX_H
#define STORE_INVENTORY_INDEX_H

#include "base/os.h"
#include "store/inventory/state.h"

enum {
    INDEX_VERSION = 5, /* of the structs of state.h, and of what entries do to them */
    INDEX_PAGE = 4096,
    INDEX_SECTIONS = STATE_ROWS + STATE_TABLES + STATE_ORDERS + 4
};

struct index_section {
    uint64_t at, n, bytes; /* n: rows, slots, items, places; of texts bytes */
    uint32_t check, spare; /* CRC-32 of the bytes */
};

struct index_head {
    uint8_t magic[8]; /* "clmidx\r\n" */
    uint32_t order, version;
    uint8_t build[32]; /* SHA-256 of clm's version, the sources that make the state, its layout */
    uint64_t size;     /* of the file */
    uint8_t seed[TABLE_SEED];
    uint64_t entries, skipped, bad, endpoints_ok, pending, crl_number, serial_max;
    struct store_mark mark; /* its `places` NULL */
    struct index_section sections[INDEX_SECTIONS];
    uint32_t check, spare; /* CRC-32 of all before */
};

/* Writes the state, which must be the one at the mark and must not change meanwhile, into
 * a new file, not synced. *size: of the file. */
enum err index_write(struct state *s, const struct store_mark *mark, const char *path,
                     uint64_t *size, struct fault *f) MUST_CHECK;

/* Maps a file and makes `s`, which need not be initialised, begin with it. *mark borrows
 * the map; the state needs it until state_clear. ERR_CONFLICT: not valid for this build;
 * ERR_DAMAGED: not valid for any. */
enum err index_load(const char *path, struct state *s, struct os_map *map, struct store_mark *mark,
                    struct fault *f) MUST_CHECK;

/* Whether a file is sound, by reading it through: with read, since a place of the disk that cannot
 * be read would end the process where it is mapped. ERR_DAMAGED, ERR_IO; ERR_CONFLICT as above. */
enum err index_check(const char *path, struct fault *f) MUST_CHECK;

#endif
