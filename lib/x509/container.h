/* Any file with certificates in it: bytes in, each certificate's DER out.
 *
 * What a file is, is found by its content, never by its name:
 *   pem     one or more objects with BEGIN and END lines, any text around them
 *   der     certificates, one behind the other
 *   pkcs7   SignedData of PKCS#7 or CMS (RFC 5652), DER or BER; in PEM too
 *   pkcs12  PFX (RFC 7292), DER or BER: PBES2 and the old ciphers but RC4
 *   jks     Java's JKS and JCEKS
 * Each certificate is told as it is stored, in the order of the file; whether it can be
 * read is for x509_cert_read to say. An object that cannot be read is told as a fault and
 * loses no other. Private keys are counted; their bytes are neither told nor kept.
 *
 * Passwords: PKCS#12 needs one where certificates are encrypted; without any the empty one
 * is tried. One that does not open the file is the fault ERR_PASSWORD, damage is ERR_FORMAT.
 * The certificates of JKS lie in the clear; a password given is checked there, as it is with a
 * PKCS#12 file that has nothing encrypted but keys.
 *
 * No I/O, no globals; any thread. What was decoded on the way is wiped. Memory: about
 * three times the file.
 */
#ifndef X509_CONTAINER_H
#define X509_CONTAINER_H

#include "base/buf.h"
#include "base/env.h"

struct signing_key;

enum x509_container {
    X509_CONTAINER_NONE, /* no file of certificates */
    X509_CONTAINER_PEM,
    X509_CONTAINER_DER,
    X509_CONTAINER_PKCS7,
    X509_CONTAINER_PKCS12,
    X509_CONTAINER_JKS,
};
/* "pem", "der", ... as above; NULL for X509_CONTAINER_NONE. */
const char *x509_container_name(enum x509_container type);

struct x509_container_entry {
    struct bytes der;         /* one certificate, as it is stored; borrowed for the call */
    struct bytes name;        /* its alias or friendly name, UTF-8 but foreign; empty: none */
    enum x509_container type; /* how this one is stored: a PEM file may hold others */
};

struct x509_container_reader {
    void *context;
    /* One certificate. False ends the reading. */
    bool (*certificate)(void *context, const struct x509_container_entry *entry);
    /* One object that cannot be read; the first X509_CONTAINER_FAULTS_TOLD of a file. May
     * be NULL. */
    void (*fault)(void *context, const struct fault *f);
    const struct bytes *password; /* borrowed; NULL: none is given */
    /* Puts a password into an empty buffer, which is wiped. Called, at most three times,
     * where certificates are encrypted and the one given, or else the empty one, does not open
     * them. False: there is none. May be NULL. */
    bool (*ask)(void *context, struct buf *password);
    /* What passwords of one file may cost, in hashes; 0: X509_CONTAINER_ROUNDS_MAX. */
    uint64_t rounds_max;
};

enum {
    X509_CONTAINER_FAULTS_TOLD = 100,
    X509_CONTAINER_ROUNDS_MAX = 8000000, /* some three seconds */
};

struct x509_container_account {
    enum x509_container type; /* of the file */
    size_t certificates;      /* told */
    size_t private_keys;      /* met, of any form, encrypted ones too */
    size_t others;            /* requests, lists, parameters, ...: left out */
    size_t faults;            /* objects that cannot be read, told or not */
};

/* Where the file is none of these, or cut off in its first object, the type is
 * X509_CONTAINER_NONE and there is one fault, ERR_FORMAT. A file without certificates is
 * no fault: `certificates` is 0. */
void x509_container_read(struct bytes file, const struct x509_container_reader *reader,
                         struct x509_container_account *out);

/* Is a file of that type meant to hold certificates, whatever is wrong with it? Of PEM one
 * with a line that begins a certificate; plain DER may be anything. */
bool x509_container_is_meant(enum x509_container type, struct bytes file);

/* ---- Writing ---- */

/* A PKCS#12 file with one key, its certificate and the chain behind it. */
struct x509_pkcs12 {
    struct bytes name;     /* of the key and its certificate, UTF-8; empty: none */
    struct bytes password; /* UTF-8 */
    const struct signing_key *key;
    const struct bytes *chain; /* DER, the key's certificate first */
    size_t chain_n;
};
/* Appends it: DER, PBES2 with AES-256 and PBKDF2 by HMAC-SHA-256, MAC with SHA-256, which
 * OpenSSL since 1.1, Java since 8u301 and Windows since 2019 read. What is encrypted differs
 * each time. ERR_PASSWORD: longer than 1024 octets; ERR_FAILED: no random octets. */
enum err x509_pkcs12_write(const struct env *env, const struct x509_pkcs12 *p, struct buf *out,
                           struct fault *f) MUST_CHECK;

#endif
