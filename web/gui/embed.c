/* Host tool of the build: turns files into one C file.
 *
 *     embed OUT.c FOLDER NAME...
 *
 * Each file becomes a row of gui_assets (web/gui/gui.h): gzip where that is
 * smaller, with the SHA-256 of its plain content as ETag.
 *
 *     embed --texts OUT.c FILE...
 *
 * Each file becomes a row of clm_texts (applets/clm/clm.h), gzip. The same
 * files give the same bytes.
 */
#include "base/buf.h"
#include "base/zip.h"
#include "crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, FILES_MAX = 64, NAME_MAX_BYTES = 256, ETAG_BYTES = 16, A_LINE = 24 };

static const struct {
    const char *suffix, *type;
} types[] = {
    {".css",  "text/css; charset=utf-8"       },
    {".html", "text/html; charset=utf-8"      },
    {".js",   "text/javascript; charset=utf-8"},
    {".svg",  "image/svg+xml"                 },
};

static void die(const char *what, const char *name) {
    fprintf(stderr, "embed: %s: %s\n", what, name);
    exit(1);
}

static const char *type_of(const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t suffix_n = strlen(types[i].suffix);
        if (n > suffix_n && strcmp(name + n - suffix_n, types[i].suffix) == 0)
            return types[i].type;
    }
    die("no media type is known for it", name);
    return NULL;
}

static void read_file(const char *path, struct buf *out) {
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        die("cannot be read", path);
    uint8_t *at = buf_reserve(out, FILE_MAX);
    buf_commit(out, at != NULL ? fread(at, 1, FILE_MAX, f) : 0);
    if (ferror(f) || !feof(f))
        die("cannot be read, or is too large", path);
    fclose(f);
}

static void path_of(const char *name, char out[NAME_MAX_BYTES]) {
    if (strcmp(name, "index.html") == 0)
        snprintf(out, NAME_MAX_BYTES, "/");
    else
        snprintf(out, NAME_MAX_BYTES, "/gui/%s", name);
}

static int by_path(const void *a, const void *b) {
    char left[NAME_MAX_BYTES], right[NAME_MAX_BYTES];
    path_of(*(const char *const *)a, left);
    path_of(*(const char *const *)b, right);
    return strcmp(left, right);
}

static void write_bytes(FILE *out, size_t number, struct bytes b) {
    fprintf(out, "static const uint8_t bytes_%zu[] = {", number);
    for (size_t i = 0; i < b.n; i++)
        fprintf(out, "%s%u,", i % A_LINE == 0 ? "\n" : "", b.p[i]);
    fprintf(out, "};\n");
}

static void write_row(struct buf *rows, size_t number, const char *name, struct bytes plain,
                      size_t embedded_n, bool gzip) {
    char path[NAME_MAX_BYTES];
    uint8_t hash[HASH_SIZE_MAX];
    path_of(name, path);
    hash_of(HASH_SHA256, plain, hash);
    buf_printf(rows, "    {\"%s\", \"%s\", \"", path, type_of(name));
    for (size_t i = 0; i < ETAG_BYTES; i++)
        buf_printf(rows, "%02x", hash[i]);
    buf_printf(rows, "\", bytes_%zu, %zu, %s},\n", number, embedded_n, gzip ? "true" : "false");
}

static size_t embed(FILE *out, struct buf *rows, size_t number, const char *folder,
                    const char *name) {
    struct buf plain, packed;
    buf_init(&plain, 2 * FILE_MAX);
    buf_init(&packed, 2 * FILE_MAX);
    char path[2 * NAME_MAX_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    read_file(path, &plain);
    if (gzip_pack(buf_bytes(&plain), 9, &packed) != ERR_OK)
        die("cannot be packed", name);
    bool gzip = packed.n < plain.n;
    struct bytes kept = gzip ? buf_bytes(&packed) : buf_bytes(&plain);
    write_bytes(out, number, kept);
    write_row(rows, number, name, buf_bytes(&plain), kept.n, gzip);
    buf_clear(&plain);
    buf_clear(&packed);
    return kept.n;
}

static FILE *open_out(const char *path, const char *header) {
    FILE *out = fopen(path, "w");
    if (out == NULL)
        die("cannot be written", path);
    fprintf(out, "/* Made by web/gui/embed.c. */\n#include \"%s\"\n\n", header);
    return out;
}

static void close_out(FILE *out, const struct buf *rows, const char *path) {
    if (rows->err != ERR_OK || fclose(out) != 0)
        die("cannot be written", path);
}

static void embed_text(FILE *out, struct buf *rows, size_t number, const char *path) {
    struct buf plain, packed;
    const char *slash = strrchr(path, '/');
    buf_init(&plain, 2 * FILE_MAX);
    buf_init(&packed, 2 * FILE_MAX);
    read_file(path, &plain);
    if (gzip_pack(buf_bytes(&plain), 9, &packed) != ERR_OK)
        die("cannot be packed", path);
    write_bytes(out, number, buf_bytes(&packed));
    buf_printf(rows, "    {\"%s\", bytes_%zu, %zu, %zu},\n", slash != NULL ? slash + 1 : path,
               number, packed.n, plain.n);
    buf_clear(&plain);
    buf_clear(&packed);
}

static int embed_texts(int argc, char **argv) {
    struct buf rows;
    buf_init(&rows, FILE_MAX);
    FILE *out = open_out(argv[2], "applets/clm/clm.h");
    for (int i = 3; i < argc; i++)
        embed_text(out, &rows, (size_t)i, argv[i]);
    fprintf(out, "\nconst struct clm_text clm_texts[] = {\n%s};\nconst size_t clm_texts_n = %d;\n",
            buf_cstr(&rows), argc - 3);
    close_out(out, &rows, argv[2]);
    buf_clear(&rows);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 4 || argc - 3 > FILES_MAX)
        die("usage: embed OUT.c FOLDER NAME..., or --texts OUT.c FILE...",
            argc < 4 ? "too few names" : "too many names");
    if (strcmp(argv[1], "--texts") == 0)
        return embed_texts(argc, argv);
    struct buf rows;
    buf_init(&rows, FILE_MAX);
    FILE *out = open_out(argv[1], "web/gui/gui.h");
    qsort(&argv[3], (size_t)argc - 3, sizeof argv[0], by_path);
    size_t total = 0;
    for (int i = 3; i < argc; i++)
        total += embed(out, &rows, (size_t)i, argv[2], argv[i]);
    fprintf(out,
            "\nconst struct http_asset gui_assets[] = {\n%s};\nconst size_t gui_assets_n = %d;\n",
            buf_cstr(&rows), argc - 3);
    close_out(out, &rows, argv[1]);
    buf_clear(&rows);
    printf("  EMBED    %d files, %zu bytes\n", argc - 3, total);
    return 0;
}
