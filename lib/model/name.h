/* Host names in their one form: lower case, A-labels, no dot at the end.
 *
 * Non-ASCII names (U-labels) are converted (RFC 5891, punycode of RFC 3492)
 * where lower-casing is simple and normalisation changes nothing: composed
 * letters of Latin, Greek and Cyrillic, kana, CJK ideographs, Hangul syllables.
 * All else is refused with a text that asks for the A-label ("xn--..."): a
 * guess could lead to another host. Any thread.
 */
#ifndef MODEL_NAME_H
#define MODEL_NAME_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum { MODEL_NAME_MAX = 253 };

/* Appends the one form of `text` to out. Letters, digits, hyphens, underscores;
 * labels of 1 to 63; a last label of digits only is refused (it would be a
 * mistyped address). ERR_USAGE says what is wrong, without the name itself. */
enum err model_name_read(struct bytes text, struct buf *out, struct fault *f) MUST_CHECK;

/* True for what model_name_read yields unchanged. */
bool model_name_is_canonical(struct bytes text);

/* localhost and those below it (RFC 6761, 6.3), and the usual names of
 * hosts files for it. The name is in its one form. */
bool model_name_is_loopback(struct bytes name);

/* Punycode of one label, without "xn--" (RFC 3492, 6.3). False when a code
 * point is malformed or the result passes 59 characters. */
bool punycode_encode(struct bytes utf8_label, struct buf *out);

#endif
