/* The profile file. See profile.h.
 *
 * One row of `keys` a key; a reader gives the reason why it cannot take the value. Errors
 * are told with line and key, so that they can be found without counting.
 */
#include "ca/inner.h"

#include "base/clock.h"
#include "base/text.h"

enum { LIFETIME_S_MIN = 3600, DAY_S = 86400, LIFETIME_DAYS_MAX = 3653, WORD_SHOWN = 60 };

/* ---- Words of the file ---- */

static const struct {
    const char *name;
    enum oid algorithm, curve; /* curve: OID_OTHER where the size is the key's */
    unsigned bits;
} key_rows[] = {
    {"ec-p256",  OID_EC,      OID_P256,  256 },
    {"ec-p384",  OID_EC,      OID_P384,  384 },
    {"ec-p521",  OID_EC,      OID_P521,  521 },
    {"rsa-2048", OID_RSA,     OID_OTHER, 2048},
    {"rsa-3072", OID_RSA,     OID_OTHER, 3072},
    {"rsa-4096", OID_RSA,     OID_OTHER, 4096},
    {"ed25519",  OID_ED25519, OID_OTHER, 256 },
};
enum { KEY_ROWS = sizeof key_rows / sizeof key_rows[0] };
enum { KEYS_DEFAULT = 1u << 0 | 1u << 4 | 1u << 5 };

const char *ca_key_name(size_t row) {
    return row < KEY_ROWS ? key_rows[row].name : NULL;
}

bool ca_key_row(const struct x509_key *key, size_t *row) {
    for (size_t i = 0; i < KEY_ROWS; i++) {
        bool same = key->id == key_rows[i].algorithm && key->bits == key_rows[i].bits;
        if (same && key->id == OID_EC) /* other curves have this size too */
            same = key->curve != NULL &&
                   bytes_is(bytes_text(oid_row(key_rows[i].curve)->name), key->curve);
        if (same) {
            *row = i;
            return true;
        }
    }
    return false;
}

static const enum oid usage_rows[] = {OID_SERVER_AUTH, OID_CLIENT_AUTH};

static const char default_text[] =
    "# What may be asked for, and what is then given. One section a profile; lists are\n"
    "# comma separated. Narrow dns and ip to what is yours before approval = none.\n"
    "#\n"
    "#   dns        www.example.com    this name\n"
    "#              *.example.com      one label before it\n"
    "#              .example.com       all names below it\n"
    "#              any\n"
    "#   ip         addresses, 10.0.0.0/8, 192.0.2.1-192.0.2.9, any\n"
    "#   wildcards  yes, no\n"
    "#   key        ec-p256 ec-p384 ec-p521 rsa-2048 rsa-3072 rsa-4096 ed25519\n"
    "#   lifetime   1h to 3653d\n"
    "#   usage      serverAuth clientAuth\n"
    "#   subject    names (the common name alone, one of the names asked for), any\n"
    "#   approval   none, one\n"
    "\n"
    "[server]\n"
    "dns = any\n"
    "ip = any\n"
    "wildcards = no\n"
    "key = ec-p256, ec-p384, rsa-2048, rsa-3072, rsa-4096\n"
    "lifetime = 90d\n"
    "usage = serverAuth\n"
    "subject = names\n"
    "approval = one\n"
    "\n"
    "[client]\n"
    "dns = any\n"
    "key = ec-p256, ec-p384, rsa-3072, rsa-4096\n"
    "lifetime = 90d\n"
    "usage = clientAuth\n"
    "subject = names\n"
    "approval = one\n";

const char *ca_profiles_default(void) {
    return default_text;
}

const struct ca_profile *ca_profile_find(const struct ca_profiles *profiles, struct bytes name) {
    for (size_t i = 0; i < profiles->n; i++)
        if (bytes_is(name, profiles->items[i].name))
            return &profiles->items[i];
    return NULL;
}

/* ---- DNS names ---- */

enum { DNS_NAME_MAX = 253, DNS_LABEL_MAX = 63 };

static const char *label_fault(struct bytes label) {
    if (label.n == 0)
        return "has an empty label, or a dot at its end";
    if (label.n > DNS_LABEL_MAX)
        return "has a label longer than 63 characters";
    if (label.p[0] == '-' || label.p[label.n - 1] == '-')
        return "has a label that begins or ends with a hyphen";
    for (size_t i = 0; i < label.n; i++) {
        uint8_t c = label.p[i];
        if (c >= 0x80)
            return "has other letters than ASCII: A-labels (xn--...) are wanted";
        if (c == '*')
            return "has a star that is not its whole first label";
        if (!ascii_is_alnum(c) && c != '-' && c != '_')
            return "has a character that is no letter, digit, hyphen or dot";
    }
    return NULL;
}

static bool all_digits(struct bytes b) {
    for (size_t i = 0; i < b.n; i++)
        if (!ascii_is_digit(b.p[i]))
            return false;
    return true;
}

const char *ca_dns_fault(struct bytes name, bool wildcard) {
    size_t labels = 0;
    struct bytes label = {0};
    bool is_wild = wildcard && bytes_starts(name, "*.");
    struct bytes rest = is_wild ? bytes_part(name, 2, name.n) : name;
    if (name.n > DNS_NAME_MAX)
        return "has more than 253 characters";
    if (rest.n > 0 && rest.p[rest.n - 1] == '.')
        return label_fault((struct bytes){0});
    struct cur c = cur_open(rest);
    do {
        label = cur_until(&c, '.');
        const char *fault = label_fault(label);
        if (fault != NULL)
            return fault;
        labels++;
    } while (c.rest.n > 0);
    if (all_digits(label))
        return "ends with a label of digits: an address belongs among the addresses";
    return is_wild && labels < 2 ? "is a wildcard for all of a top-level domain" : NULL;
}

/* ---- Values ---- */

struct reading {
    struct arena *a;
    const char *file;
    struct fault *f;
    unsigned line;
    struct ca_profile *profile; /* NULL before the first section */
    unsigned seen;              /* keys of this section; bit i: row i of keys */
};

/* A reader's answer: NULL, or why not. The word it is about stands before it. */
struct refusal {
    struct bytes word;
    const char *why;
};
static const struct refusal fine;

static size_t count_words(struct bytes list) {
    size_t n = 1;
    for (size_t i = 0; i < list.n; i++)
        n += list.p[i] == ',';
    return n;
}

static struct bytes take_word(struct cur *c) {
    return bytes_trim(cur_until(c, ','));
}

static struct bytes lower_copy(struct arena *a, struct bytes text) {
    char *copy = arena_cstr(a, text);
    for (size_t i = 0; i < text.n && copy != NULL; i++)
        copy[i] = ascii_lower(copy[i]);
    return bytes_of(copy, copy == NULL ? 0 : text.n);
}

static const char *pattern_fault(struct bytes word) {
    struct bytes name = bytes_starts(word, ".") ? bytes_part(word, 1, word.n) : word;
    return bytes_starts(name, "*.") && name.n != word.n ? "begins with a dot and a star"
           : bytes_starts(name, "*.") ? ca_dns_fault(bytes_part(name, 2, name.n), false)
                                      : ca_dns_fault(name, false);
}

static struct refusal read_dns(struct reading *r, struct bytes value) {
    size_t n = count_words(value);
    if (bytes_is(value, "any")) {
        r->profile->any_dns = true;
        return fine;
    }
    struct bytes *items = arena_array(r->a, n, sizeof *items);
    struct cur c = cur_open(value);
    for (size_t i = 0; i < n && items != NULL; i++) {
        struct bytes word = take_word(&c);
        const char *why = pattern_fault(word);
        if (why != NULL)
            return (struct refusal){word, why};
        items[i] = lower_copy(r->a, word);
    }
    r->profile->dns = (struct x509_names){items, n};
    return fine;
}

static struct refusal read_ip(struct reading *r, struct bytes value) {
    if (bytes_is(value, "any"))
        value = bytes_text("0.0.0.0/0, ::/0");
    size_t n = count_words(value);
    struct ip_range *items = arena_array(r->a, n, sizeof *items);
    struct cur c = cur_open(value);
    for (size_t i = 0; i < n && items != NULL; i++) {
        struct bytes word = take_word(&c);
        if (!ip_range_read(word, &items[i]))
            return (struct refusal){word, "is no address, CIDR or range"};
    }
    r->profile->ip = items;
    r->profile->ip_n = n;
    return fine;
}

/* One of two words. */
static struct refusal read_choice(struct bytes value, const char *no, const char *yes, bool *out) {
    *out = bytes_is(value, yes);
    if (*out || bytes_is(value, no))
        return fine;
    return (struct refusal){value, "is none of the words for it"};
}

static struct refusal read_wildcards(struct reading *r, struct bytes value) {
    return read_choice(value, "no", "yes", &r->profile->wildcards);
}

static struct refusal read_key(struct reading *r, struct bytes value) {
    struct cur c = cur_open(value);
    r->profile->keys = 0;
    do {
        struct bytes word = take_word(&c);
        size_t row = 0;
        while (row < KEY_ROWS && !bytes_is(word, key_rows[row].name))
            row++;
        if (row == KEY_ROWS)
            return (struct refusal){word, "is no kind of key that is known here"};
        r->profile->keys |= 1u << row;
    } while (c.rest.n > 0);
    return fine;
}

static struct refusal read_lifetime(struct reading *r, struct bytes value) {
    uint64_t ms;
    if (!duration_read(value, &ms))
        return (struct refusal){value, "is no duration such as 90d or 12h"};
    if (ms < LIFETIME_S_MIN * 1000ull || ms > (uint64_t)LIFETIME_DAYS_MAX * DAY_S * 1000)
        return (struct refusal){value, "is not within 1h to 3653d"};
    r->profile->lifetime_s = (int64_t)(ms / 1000);
    return fine;
}

static struct refusal read_usage(struct reading *r, struct bytes value) {
    enum { ROWS = sizeof usage_rows / sizeof usage_rows[0] };
    enum oid *items = arena_array(r->a, ROWS, sizeof *items);
    struct cur c = cur_open(value);
    bool wanted[ROWS] = {false};
    size_t n = 0;
    do {
        struct bytes word = take_word(&c);
        size_t row = 0;
        while (row < ROWS && !bytes_is(word, oid_row(usage_rows[row])->name))
            row++;
        if (row == ROWS)
            return (struct refusal){word, "is neither serverAuth nor clientAuth"};
        wanted[row] = true;
    } while (c.rest.n > 0);
    for (size_t row = 0; row < ROWS && items != NULL; row++)
        if (wanted[row])
            items[n++] = usage_rows[row];
    r->profile->usage = items;
    r->profile->usage_n = n;
    return fine;
}

static struct refusal read_subject(struct reading *r, struct bytes value) {
    return read_choice(value, "names", "any", &r->profile->any_subject);
}

static struct refusal read_approval(struct reading *r, struct bytes value) {
    bool one;
    struct refusal no = read_choice(value, "none", "one", &one);
    r->profile->approval = one ? CA_APPROVAL_ONE : CA_APPROVAL_NONE;
    return no;
}

static const struct {
    const char *name;
    struct refusal (*read)(struct reading *r, struct bytes value);
} keys[] = {
    {"dns",       read_dns      },
    {"ip",        read_ip       },
    {"wildcards", read_wildcards},
    {"key",       read_key      },
    {"lifetime",  read_lifetime },
    {"usage",     read_usage    },
    {"subject",   read_subject  },
    {"approval",  read_approval },
};
enum { KEYS = sizeof keys / sizeof keys[0], KEY_DNS = 0, KEY_IP = 1 };

/* ---- Lines ---- */

static int shown(struct bytes word) {
    return (int)(word.n < WORD_SHOWN ? word.n : WORD_SHOWN);
}

static enum err refuse(const struct reading *r, const char *key, struct bytes word,
                       const char *why) {
    return fault_set(r->f, ERR_FORMAT, "profile", "%s line %u: %s%s%s%.*s%s%s", r->file, r->line,
                     key, key[0] != '\0' ? ": " : "", word.n > 0 ? "'" : "", shown(word),
                     (const char *)word.p, word.n > 0 ? "' " : "", why);
}

static enum err full(const struct reading *r) {
    return fault_set(r->f, r->a->err, "profile", "%s line %u: no room", r->file, r->line);
}

/* A section that names nothing could never issue: a mistake. */
static enum err close_section(struct reading *r) {
    if (r->profile == NULL || (r->seen & (1u << KEY_DNS | 1u << KEY_IP)) != 0)
        return ERR_OK;
    r->line = r->profile->line;
    return refuse(r, r->profile->name, bytes_text(""),
                  "neither dns nor ip: nothing could be asked for");
}

static bool is_name(struct bytes name) {
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        if (!ascii_is_digit(c) && c != '-' && !(c >= 'a' && c <= 'z'))
            return false;
    }
    return name.n > 0 && name.n <= CA_PROFILE_NAME_MAX && name.p[0] != '-';
}

static enum err open_section(struct reading *r, struct bytes line, struct ca_profiles *out,
                             struct ca_profile *items) {
    static const enum oid server[] = {OID_SERVER_AUTH};
    struct bytes name = bytes_part(line, 1, line.n - 2);
    unsigned line_number = r->line;
    enum err e = close_section(r);
    if (e != ERR_OK)
        return e;
    if (line.n < 2 || line.p[line.n - 1] != ']' || !is_name(name))
        return refuse(r, "", line, "is no [name] of small letters, digits and hyphens, at most 32");
    if (ca_profile_find(out, name) != NULL)
        return refuse(r, "", line, "is there twice");
    if (out->n == CA_PROFILES_MAX)
        return fault_set(r->f, ERR_LIMIT, "profile", "%s: more than %d", r->file, CA_PROFILES_MAX);
    r->profile = &items[out->n++];
    r->seen = 0;
    *r->profile = (struct ca_profile){
        .name = arena_cstr(r->a, name),
        .line = line_number,
        .keys = KEYS_DEFAULT,
        .lifetime_s = 90 * DAY_S,
        .usage = server,
        .usage_n = 1,
        .approval = CA_APPROVAL_ONE,
    };
    return r->profile->name == NULL ? full(r) : ERR_OK;
}

static enum err take_value(struct reading *r, struct bytes line) {
    struct cur c = cur_open(line);
    struct bytes key = bytes_trim(cur_until(&c, '=')), value = bytes_trim(c.rest);
    size_t row = 0;
    while (row < KEYS && !bytes_is(key, keys[row].name))
        row++;
    if (bytes_find(line, bytes_text("=")) == SIZE_MAX)
        return refuse(r, "", key, "is neither [name] nor key = value");
    if (row == KEYS)
        return refuse(r, "", key, "is no key of a profile");
    if (r->profile == NULL)
        return refuse(r, "", key, "stands before the first [name]");
    if ((r->seen & 1u << row) != 0)
        return refuse(r, keys[row].name, bytes_text(""), "is there twice");
    if (value.n == 0)
        return refuse(r, keys[row].name, bytes_text(""), "has no value");
    if (count_words(value) > CA_PATTERNS_MAX)
        return fault_set(r->f, ERR_LIMIT, "profile", "%s line %u: %s: more than %d words", r->file,
                         r->line, keys[row].name, CA_PATTERNS_MAX);
    r->seen |= 1u << row;
    struct refusal no = keys[row].read(r, value);
    if (r->a->err != ERR_OK)
        return full(r);
    return no.why == NULL ? ERR_OK : refuse(r, keys[row].name, no.word, no.why);
}

static struct bytes without_comment(struct bytes line) {
    return bytes_trim(bytes_part(line, 0, bytes_find(line, bytes_text("#"))));
}

enum err ca_profiles_read(struct arena *a, struct bytes text, const char *file,
                          struct ca_profiles *out, struct fault *f) {
    struct reading r = {.a = a, .file = file, .f = f};
    *out = (struct ca_profiles){0};
    if (text.n > CA_PROFILE_TEXT_MAX)
        return fault_set(f, ERR_LIMIT, "profile", "%s: more than %d bytes", file,
                         CA_PROFILE_TEXT_MAX);
    struct ca_profile *items = arena_array(a, CA_PROFILES_MAX, sizeof *items);
    if (items == NULL)
        return full(&r);
    out->items = items;
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct cur c = cur_open(text);
    enum err e = ERR_OK;
    if (bytes_starts(text, byte_order_mark))
        cur_take(&c, sizeof byte_order_mark - 1);
    while (e == ERR_OK && c.rest.n > 0) {
        struct bytes line = without_comment(cur_until(&c, '\n'));
        r.line++;
        if (line.n == 0)
            continue;
        e = line.p[0] == '[' ? open_section(&r, line, out, items) : take_value(&r, line);
    }
    return e == ERR_OK ? close_section(&r) : e;
}
