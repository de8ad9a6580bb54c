/* Enrols an agent that was never heard of since, so many hours ago: by a store whose
 * clock is set back.
 *
 *   quiet_agent DIR NAME HOURS [disabled] */
#include "base/os.h"
#include "store/inventory/inventory.h"

#include <stdlib.h>
#include <string.h>

static int64_t back(void *context) {
    const int64_t *hours = context;
    struct env env = env_system(NULL);
    return env.now_ms(NULL) - *hours * 60 * 60 * 1000;
}

static bool random_bytes(void *context, uint8_t *out, size_t n) {
    (void)context;
    return os_random(out, n);
}

static enum err make(const struct env *env, const char *dir, const char *name, bool disabled,
                     struct fault *f) {
    struct inventory *inv = NULL;
    uint8_t id[INVENTORY_ID_SIZE];
    struct inventory_enrolment e = {.name = bytes_text(name), .spki = bytes_text(name)};
    enum err code = inventory_open(dir, env, &inv, f);
    if (code == ERR_OK)
        code = inventory_agent_enrol(inv, &e, id, NULL, NULL, f);
    if (code == ERR_OK && disabled)
        code = inventory_agent_disable(inv, id, true, NULL, NULL, f);
    inventory_close(inv);
    return code;
}

int main(int argc, char **argv) {
    struct fault f = {0};
    char text[400];
    os_start(&argc, &argv);
    if (argc < 4)
        return 2;
    int64_t hours = strtol(argv[3], NULL, 10);
    struct env env = env_system(NULL);
    env.now_ms = back;
    env.random = random_bytes;
    env.context = &hours;
    if (make(&env, argv[1], argv[2], argc > 4, &f) == ERR_OK)
        return 0;
    fprintf(stderr, "quiet_agent: %s\n", fault_text(&f, text, sizeof text));
    return 1;
}
