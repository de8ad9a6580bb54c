/* What is remembered between two digests. See state.h. */
#include "notify/state.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>

enum { DAY_TEXT = 10 };

static const char first_line[] = "clm digest 1";

/* Takes "WORD REST" where the next line begins so; false, and nothing taken, else. */
static bool take_line(struct cur *c, const char *word, struct bytes *rest) {
    struct cur next = *c;
    struct cur line = cur_open(cur_until(&next, '\n'));
    if (!bytes_is(cur_until(&line, ' '), word))
        return false;
    *rest = line.rest;
    *c = next;
    return true;
}

static bool read_sent(struct bytes text, struct notify_state *out) {
    char time[CLOCK_TEXT_MAX];
    struct cur c = cur_open(text);
    struct bytes day = cur_until(&c, ' ');
    if (day.n != DAY_TEXT)
        return false;
    snprintf(time, sizeof time, "%.10sT00:00:00Z", (const char *)day.p);
    out->has_sent = clock_read(bytes_text(time), &out->sent_day_s) &&
                    hex_read(c.rest, out->sent_key, sizeof out->sent_key);
    return out->has_sent;
}

static bool is_line(struct bytes text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return text.n > 0 && text.n <= NOTIFY_SUBJECT_MAX;
}

static bool read_kept(struct bytes text, struct cur *c, struct notify_state *out) {
    struct cur line = cur_open(text);
    if (!clock_read(cur_until(&line, ' '), &out->made_s) ||
        !hex_read(line.rest, out->id, sizeof out->id))
        return false;
    if (!take_line(c, "subject", &out->subject) || !is_line(out->subject))
        return false;
    if (c->rest.n == 0 || c->rest.p[0] != '\n')
        return false;
    out->body = bytes_part(c->rest, 1, SIZE_MAX);
    c->rest = bytes_of(NULL, 0);
    out->has_kept = true;
    return true;
}

enum err notify_state_read(struct bytes text, struct notify_state *out, struct fault *f) {
    struct cur c = cur_open(text);
    struct bytes rest;
    *out = (struct notify_state){0};
    bool good = text.n == 0 || bytes_is(cur_until(&c, '\n'), first_line);
    if (good && take_line(&c, "sent", &rest))
        good = read_sent(rest, out);
    if (good && take_line(&c, "kept", &rest))
        good = read_kept(rest, &c, out);
    if (good && c.rest.n == 0)
        return ERR_OK;
    *out = (struct notify_state){0};
    return fault_set(f, ERR_DAMAGED, "state of the digest", "not as it was written");
}

void notify_state_write(struct buf *out, const struct notify_state *s) {
    char time[CLOCK_TEXT_MAX];
    buf_printf(out, "%s\n", first_line);
    if (s->has_sent) {
        buf_printf(out, "sent %.10s ", clock_write(s->sent_day_s, time));
        hex_put(out, bytes_of(s->sent_key, sizeof s->sent_key));
        buf_u8(out, '\n');
    }
    if (s->has_kept) {
        buf_printf(out, "kept %s ", clock_write(s->made_s, time));
        hex_put(out, bytes_of(s->id, sizeof s->id));
        buf_text(out, "\nsubject ");
        buf_put(out, s->subject);
        buf_text(out, "\n\n");
        buf_put(out, s->body);
    }
}
