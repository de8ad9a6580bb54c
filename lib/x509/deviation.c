/* How certificates in use depart from the standard: the names. See x509.h. */
#include "x509/x509.h"

/* clang-format off */
static const struct x509_deviation_row rows[] = {
    {X509_DEV_NAME_CHARACTERS, "name_characters",
     "a name holds characters that its string type does not allow", "X.680, 41"},
    {X509_DEV_TIME_NO_SECONDS, "time_no_seconds",
     "a time has no seconds", "RFC 5280, 4.1.2.5.1"},
    {X509_DEV_TIME_OFFSET, "time_offset",
     "a time has an offset in place of Z", "RFC 5280, 4.1.2.5.1"},
    {X509_DEV_TIME_TYPE, "time_type",
     "a time before 2050 is written as GeneralizedTime", "RFC 5280, 4.1.2.5"},
    {X509_DEV_TIME_UNREADABLE, "time_unreadable",
     "a time is none", "RFC 5280, 4.1.2.5"},
    {X509_DEV_VALIDITY_REVERSED, "validity_reversed",
     "it ends before it begins", "RFC 5280, 4.1.2.5"},
    {X509_DEV_SERIAL_NEGATIVE, "serial_negative",
     "the serial number is negative", "RFC 5280, 4.1.2.2"},
    {X509_DEV_SERIAL_ZERO, "serial_zero",
     "the serial number is zero", "RFC 5280, 4.1.2.2"},
    {X509_DEV_SERIAL_LONG, "serial_long",
     "the serial number has more than 20 octets", "RFC 5280, 4.1.2.2"},
    {X509_DEV_SERIAL_PADDED, "serial_padded",
     "the serial number is not in its shortest form", "X.690, 8.3.2"},
    {X509_DEV_VERSION, "version",
     "the version is unknown, or has no extensions and yet there are some", "RFC 5280, 4.1.2.1"},
    {X509_DEV_ALGORITHM_DIFFERS, "algorithm_differs",
     "the two signature algorithms differ", "RFC 5280, 4.1.1.2"},
    {X509_DEV_DEFAULT_WRITTEN, "default_written",
     "a default value is written out", "X.690, 11.5"},
    {X509_DEV_BOOLEAN, "boolean",
     "a boolean is neither 00 nor FF", "X.690, 11.1"},
    {X509_DEV_EXTENSION_TWICE, "extension_twice",
     "an extension is there twice; the first counts", "RFC 5280, 4.2"},
    {X509_DEV_EXTENSION_UNREADABLE, "extension_unreadable",
     "an extension cannot be read and counts as absent", "RFC 5280, 4.2"},
    {X509_DEV_EXTENSIONS_EMPTY, "extensions_empty",
     "the list of extensions is empty", "RFC 5280, 4.1"},
    {X509_DEV_DNS_DOT, "dns_dot",
     "a DNS name ends with a dot", "RFC 5280, 4.2.1.6"},
    {X509_DEV_ALT_NAME_CHARACTERS, "alt_name_characters",
     "an alternative name holds characters that it may not", "RFC 5280, 4.2.1.6"},
    {X509_DEV_IP_SIZE, "ip_size",
     "an IP address has neither 4 nor 16 octets", "RFC 5280, 4.2.1.6"},
    {X509_DEV_KEY_UNREADABLE, "key_unreadable",
     "the public key or its parameters cannot be read", "RFC 3279, 2.3"},
    {X509_DEV_KEY_NEGATIVE, "key_negative",
     "a number of the public key is negative", "RFC 8017, A.1.1"},
    {X509_DEV_UNUSED_BITS, "unused_bits",
     "a bit string is not in its DER form", "X.690, 11.2"},
    {X509_DEV_ISSUER_EMPTY, "issuer_empty",
     "the issuer is empty", "RFC 5280, 4.1.2.4"},
};
/* clang-format on */

const struct x509_deviation_row *x509_deviation_row(size_t i) {
    return i < sizeof rows / sizeof rows[0] ? &rows[i] : NULL;
}
