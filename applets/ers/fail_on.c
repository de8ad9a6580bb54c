/* See fail_on.h. */
#include "applets/ers/fail_on.h"

#include "base/clock.h"

enum { DAYS = 30, DAY_S = 86400 };

static enum err read_word(struct fail_on *out, struct bytes word, struct fault *f) {
    struct cur c = cur_open(word);
    struct bytes rule = cur_until(&c, '=');
    uint64_t ms = 0;
    bool has_value = rule.n < word.n;
    if (bytes_is(word, "expired")) {
        out->expired = true;
    } else if (bytes_is(rule, "expiring") && (!has_value || duration_read(c.rest, &ms))) {
        out->expiring = true;
        out->days = has_value ? ms / 1000 / DAY_S : DAYS;
    } else {
        return fault_set(f, ERR_USAGE, "--fail-on", "\"%.*s\" is neither expired nor expiring=30d",
                         (int)(word.n < 60 ? word.n : 60), (const char *)word.p);
    }
    return ERR_OK;
}

enum err fail_on_read(struct fail_on *out, const struct opt_list *words, struct fault *f) {
    enum err code = ERR_OK;
    *out = (struct fail_on){.days = DAYS};
    for (size_t i = 0; i < words->n && code == ERR_OK; i++) {
        struct cur c = cur_open(bytes_text(words->items[i]));
        while (c.rest.n > 0 && code == ERR_OK)
            code = read_word(out, bytes_trim(cur_until(&c, ',')), f);
    }
    return code;
}

void fail_on_check(struct fail_on *on, int64_t not_after_s, int64_t now_s) {
    bool expired = not_after_s < now_s;
    if (on->expired && expired)
        on->matched = true;
    if (on->expiring && !expired && (uint64_t)(not_after_s - now_s) <= on->days * DAY_S)
        on->matched = true;
}
