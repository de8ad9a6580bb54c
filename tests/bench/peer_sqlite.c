/* What `store_tool bench` does, by SQLite: certificates with the columns that a list of
 * them shows, an observation each, one durable transaction a batch (WAL, synchronous
 * FULL), then the same questions. Certificates are read by libcrypto.
 *
 *     peer_sqlite FILE.db CERTIFICATES BATCH [N]    CERTIFICATES: 4 bytes of length, DER, ...
 *
 * With N only so many are stored, and nothing is asked. Prints the lines that store_tool prints, as
 * far as bench.py reads them. */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sqlite3.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { PAGE = 100, FETCHES = 500, TEXT_MAX = 4096 };

static sqlite3 *db;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what) {
    fprintf(stderr, "peer_sqlite: %s: %s\n", what, db ? sqlite3_errmsg(db) : "");
    exit(1);
}

static void run(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sql);
}

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        die(sql);
    return s;
}

static void finish(sqlite3_stmt *s) {
    if (sqlite3_step(s) != SQLITE_DONE)
        die(sqlite3_sql(s));
    sqlite3_reset(s);
}

static void open_db(const char *path) {
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(path);
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
    run("CREATE TABLE IF NOT EXISTS certificate(id INTEGER PRIMARY KEY, sha256 BLOB UNIQUE, "
        "not_after INTEGER, subject TEXT, issuer TEXT, names TEXT, der BLOB, serial BLOB)");
    run("CREATE INDEX IF NOT EXISTS by_serial ON certificate(serial)");
    run("CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(subject, names, content='', "
        "tokenize='trigram')");
    run("CREATE INDEX IF NOT EXISTS by_end ON certificate(not_after, sha256)");
    run("CREATE TABLE IF NOT EXISTS observation(host TEXT, port INTEGER, time INTEGER, outcome "
        "INTEGER, version TEXT, suite TEXT, sha256 BLOB, PRIMARY KEY(host, port)) WITHOUT ROWID");
}

/* ---- writing ---- */

static long long end_of(const X509 *x) {
    struct tm t;
    return ASN1_TIME_to_tm(X509_get0_notAfter(x), &t) ? (long long)timegm(&t) : 0;
}

static void names_of(X509 *x, char *out, size_t size) {
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    size_t n = 0;
    out[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && n < size; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            n += (size_t)snprintf(out + n, size - n, "%.*s ", ASN1_STRING_length(name->d.dNSName),
                                  (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    }
    GENERAL_NAMES_free(names);
}

static void insert(sqlite3_stmt *certificate, sqlite3_stmt *words, sqlite3_stmt *observation,
                   const uint8_t *der, size_t n, size_t number) {
    unsigned char sha256[SHA256_DIGEST_LENGTH];
    char subject[TEXT_MAX], issuer[TEXT_MAX], names[TEXT_MAX], host[32];
    const unsigned char *p = der;
    X509 *x = d2i_X509(NULL, &p, (long)n);
    if (x == NULL)
        die("a certificate that libcrypto does not read");
    SHA256(der, n, sha256);
    X509_NAME_oneline(X509_get_subject_name(x), subject, sizeof subject);
    X509_NAME_oneline(X509_get_issuer_name(x), issuer, sizeof issuer);
    names_of(x, names, sizeof names);
    sqlite3_bind_blob(certificate, 1, sha256, sizeof sha256, SQLITE_TRANSIENT);
    sqlite3_bind_int64(certificate, 2, end_of(x));
    sqlite3_bind_text(certificate, 3, subject, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(certificate, 4, issuer, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(certificate, 5, names, -1, SQLITE_TRANSIENT);
    sqlite3_bind_blob(certificate, 6, der, (int)n, SQLITE_STATIC);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    sqlite3_bind_blob(certificate, 7, ASN1_STRING_get0_data(serial), ASN1_STRING_length(serial),
                      SQLITE_TRANSIENT);
    finish(certificate);
    sqlite3_bind_int64(words, 1, sqlite3_last_insert_rowid(db));
    sqlite3_bind_text(words, 2, subject, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(words, 3, names, -1, SQLITE_TRANSIENT);
    finish(words);
    X509_free(x);

    snprintf(host, sizeof host, "198.18.%u.%u", (unsigned)(number >> 8 & 0xff),
             (unsigned)(number & 0xff));
    sqlite3_bind_text(observation, 1, host, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(observation, 2, 443 + (int)(number >> 16));
    sqlite3_bind_int64(observation, 3, (long long)time(NULL));
    sqlite3_bind_blob(observation, 4, sha256, sizeof sha256, SQLITE_TRANSIENT);
    finish(observation);
}

static size_t store(const uint8_t *file, size_t size, size_t batch, size_t most) {
    sqlite3_stmt *certificate =
        prepare("INSERT OR IGNORE INTO certificate VALUES(NULL,?,?,?,?,?,?,?)");
    sqlite3_stmt *words = prepare("INSERT INTO words(rowid, subject, names) VALUES(?,?,?)");
    sqlite3_stmt *observation = prepare("INSERT OR REPLACE INTO observation VALUES(?,?,?,0,"
                                        "'TLSv1.3','TLS_AES_128_GCM_SHA256',?)");
    size_t n = 0;
    for (size_t at = 0; at + 4 <= size && n < most; n++) {
        size_t length = (size_t)file[at] << 24 | (size_t)file[at + 1] << 16 |
                        (size_t)file[at + 2] << 8 | file[at + 3];
        if (n % batch == 0)
            run("BEGIN");
        insert(certificate, words, observation, file + at + 4, length, n);
        at += 4 + length;
        if (n % batch == batch - 1 || at + 4 > size || n + 1 == most)
            run("COMMIT");
    }
    sqlite3_finalize(certificate);
    sqlite3_finalize(words);
    sqlite3_finalize(observation);
    return n;
}

/* ---- questions ---- */

/* Pages by their end, each from where the last one stopped; at the end from the front.
 * With a word, how many there are in all belongs to the answer. */
static void show_pages(const char *text, unsigned turns) {
    char like[64];
    long long end = 0, total = 0;
    unsigned char last[32] = {0};
    sqlite3_stmt *page =
        prepare("SELECT not_after, sha256, subject, issuer, names FROM certificate "
                "WHERE (not_after, sha256) > (?1, ?2) AND (?3 = '%%' OR subject "
                "LIKE ?3 OR names LIKE ?3) ORDER BY not_after, sha256 LIMIT 100");
    sqlite3_stmt *count =
        prepare("SELECT count(*) FROM certificate WHERE subject LIKE ?1 OR names LIKE ?1");
    snprintf(like, sizeof like, "%%%s%%", text);
    sqlite3_bind_text(page, 3, like, -1, SQLITE_STATIC);
    sqlite3_bind_text(count, 1, like, -1, SQLITE_STATIC);
    double start = now();
    for (unsigned i = 0; i < turns; i++) {
        unsigned rows = 0;
        sqlite3_bind_int64(page, 1, end);
        sqlite3_bind_blob(page, 2, last, sizeof last, SQLITE_TRANSIENT);
        while (sqlite3_step(page) == SQLITE_ROW) {
            end = sqlite3_column_int64(page, 0);
            memcpy(last, sqlite3_column_blob(page, 1), sizeof last);
            rows++;
        }
        if (rows < PAGE)
            end = 0;
        sqlite3_reset(page);
        if (text[0] != '\0' && sqlite3_step(count) == SQLITE_ROW)
            total = sqlite3_column_int64(count, 0);
        sqlite3_reset(count);
    }
    printf("page of 100, text '%s': %lld rows, %.3f ms\n", text, total,
           (now() - start) * 1000 / turns);
    sqlite3_finalize(page);
    sqlite3_finalize(count);
}

/* The first page of a word by the trigrams of FTS5, and how many there are. */
static void show_indexed(const char *text, unsigned turns) {
    char phrase[64];
    long long total = 0;
    sqlite3_stmt *page =
        prepare("SELECT not_after, sha256, certificate.subject, issuer, certificate.names "
                "FROM words JOIN certificate ON id = words.rowid WHERE words MATCH ?1 "
                "ORDER BY not_after, sha256 LIMIT 100");
    sqlite3_stmt *count = prepare("SELECT count(*) FROM words WHERE words MATCH ?1");
    snprintf(phrase, sizeof phrase, "\"%s\"", text);
    sqlite3_bind_text(page, 1, phrase, -1, SQLITE_STATIC);
    sqlite3_bind_text(count, 1, phrase, -1, SQLITE_STATIC);
    double start = now();
    for (unsigned i = 0; i < turns; i++) {
        while (sqlite3_step(page) == SQLITE_ROW)
            total += sqlite3_column_bytes(page, 2) < 0;
        sqlite3_reset(page);
        if (sqlite3_step(count) == SQLITE_ROW)
            total = sqlite3_column_int64(count, 0);
        sqlite3_reset(count);
    }
    printf("FTS5 page of 100, text '%s': %lld rows, %.3f ms\n", text, total,
           (now() - start) * 1000 / turns);
    sqlite3_finalize(page);
    sqlite3_finalize(count);
}

/* Rows by a key of 500 that are there. */
static void show_look_up(const char *name, const char *keys, const char *sql) {
    static unsigned char key[FETCHES][64];
    static int length[FETCHES];
    size_t n = 0;
    sqlite3_stmt *s = prepare(keys);
    for (; n < FETCHES && sqlite3_step(s) == SQLITE_ROW; n++) {
        length[n] = sqlite3_column_bytes(s, 0);
        memcpy(key[n], sqlite3_column_blob(s, 0), (size_t)length[n]);
    }
    sqlite3_finalize(s);
    s = prepare(sql);
    double start = now();
    for (size_t i = 0; i < n * 20; i++) {
        sqlite3_bind_blob(s, 1, key[i % n], length[i % n], SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_ROW)
            die("a certificate is gone");
        sqlite3_reset(s);
    }
    printf("%s: %.5f ms\n", name, (now() - start) * 1000 / (double)(n * 20));
    sqlite3_finalize(s);
}

static void show_groups(const char *name, const char *sql) {
    unsigned turns = 5;
    sqlite3_stmt *s = prepare(sql);
    double start = now();
    for (unsigned i = 0; i < turns; i++) {
        while (sqlite3_step(s) == SQLITE_ROW)
            ;
        sqlite3_reset(s);
    }
    printf("counted by %s: %.5f ms\n", name, (now() - start) * 1000 / turns);
    sqlite3_finalize(s);
}

static void fetch(void) {
    static unsigned char keys[FETCHES][32];
    size_t n = 0;
    sqlite3_stmt *s = prepare("SELECT sha256 FROM certificate ORDER BY not_after LIMIT 500");
    while (n < FETCHES && sqlite3_step(s) == SQLITE_ROW)
        memcpy(keys[n++], sqlite3_column_blob(s, 0), 32);
    sqlite3_finalize(s);
    s = prepare("SELECT der FROM certificate WHERE sha256 = ?");
    double start = now();
    for (size_t i = 0; i < n; i++) {
        sqlite3_bind_blob(s, 1, keys[i], 32, SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_ROW || sqlite3_column_bytes(s, 0) == 0)
            die("a certificate is gone");
        sqlite3_reset(s);
    }
    printf("DER by fingerprint: %.3f ms\n", (now() - start) * 1000 / (double)n);
    sqlite3_finalize(s);
}

static size_t put_hex(char *out, const unsigned char *p, int n) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    return 2 * (size_t)n;
}

/* In the order of their numbers, which costs it least. Texts are quoted without a look. */
static void write_csv(void) {
    char line[4 * TEXT_MAX];
    size_t rows = 0;
    FILE *out = fopen("/dev/null", "w");
    sqlite3_stmt *s =
        prepare("SELECT sha256, serial, not_after, subject, issuer, names FROM certificate");
    if (out == NULL)
        die("/dev/null");
    double start = now();
    for (; sqlite3_step(s) == SQLITE_ROW; rows++) {
        size_t n = put_hex(line, sqlite3_column_blob(s, 0), sqlite3_column_bytes(s, 0));
        line[n++] = ',';
        n += put_hex(line + n, sqlite3_column_blob(s, 1), sqlite3_column_bytes(s, 1));
        n += (size_t)snprintf(line + n, sizeof line - n, ",%lld,\"%s\",\"%s\",\"%s\"\r\n",
                              sqlite3_column_int64(s, 2), sqlite3_column_text(s, 3),
                              sqlite3_column_text(s, 4), sqlite3_column_text(s, 5));
        fwrite(line, 1, n, out);
    }
    printf("CSV of all: %zu rows, %.0f/s\n", rows, (double)rows / (now() - start));
    sqlite3_finalize(s);
    fclose(out);
}

static void write_pem(void) {
    static unsigned char text[1 << 20];
    size_t rows = 0;
    FILE *out = fopen("/dev/null", "w");
    sqlite3_stmt *s = prepare("SELECT der FROM certificate");
    if (out == NULL)
        die("/dev/null");
    double start = now();
    for (; sqlite3_step(s) == SQLITE_ROW; rows++) {
        const unsigned char *der = sqlite3_column_blob(s, 0);
        int n = sqlite3_column_bytes(s, 0);
        fputs("-----BEGIN CERTIFICATE-----\n", out);
        for (int at = 0; at < n; at += 48) {
            int part = n - at < 48 ? n - at : 48;
            int made = EVP_EncodeBlock(text, der + at, part);
            text[made] = '\n';
            fwrite(text, 1, (size_t)made + 1, out);
        }
        fputs("-----END CERTIFICATE-----\n", out);
    }
    printf("PEM of all: %zu rows, %.0f/s\n", rows, (double)rows / (now() - start));
    sqlite3_finalize(s);
    fclose(out);
}

int main(int argc, char **argv) {
    struct stat file_is, db_is;
    if (argc != 4 && argc != 5)
        return 2;
    FILE *in = fopen(argv[2], "rb");
    if (in == NULL || fstat(fileno(in), &file_is) < 0)
        die(argv[2]);
    size_t size = (size_t)file_is.st_size;
    uint8_t *file = malloc(size);
    if (file == NULL || fread(file, 1, size, in) != size)
        die(argv[2]);
    fclose(in);
    open_db(argv[1]);
    double start = now();
    size_t most = argc == 5 ? strtoul(argv[4], NULL, 10) : SIZE_MAX;
    size_t n = store(file, size, strtoul(argv[3], NULL, 10), most);
    double took = now() - start;
    sqlite3_close(db);
    if (stat(argv[1], &db_is) < 0)
        die(argv[1]);
    printf("stored %zu certificates: %.2f s, %.0f/s\n", n, took, (double)n / took);
    printf("raw %.1f bytes a certificate, log %.1f bytes\n", (double)size / (double)n - 4,
           (double)db_is.st_size / (double)n);
    if (argc == 5)
        return 0;
    start = now();
    open_db(argv[1]);
    printf("opened again: %.2f s\n", now() - start);
    show_pages("", 1000);
    show_pages("www", 5);
    show_pages("nothing like it", 5);
    show_indexed("www", 5);
    show_indexed("nothing like it", 50);
    show_look_up("row by fingerprint",
                 "SELECT sha256 FROM certificate ORDER BY not_after LIMIT 500",
                 "SELECT not_after, subject, issuer, names FROM certificate WHERE sha256 = ?");
    show_look_up("rows by serial", "SELECT serial FROM certificate ORDER BY not_after LIMIT 500",
                 "SELECT not_after, subject, issuer, names FROM certificate WHERE serial = ?");
    show_groups("week", "SELECT not_after / 604800, count(*) FROM certificate GROUP BY 1");
    show_groups("issuer", "SELECT issuer, count(*) FROM certificate GROUP BY issuer");
    fetch();
    write_csv();
    write_pem();
    sqlite3_close(db);
    free(file);
    return 0;
}
