/* The OpenAPI 3.1 document, printed from the rows of rows.c. See api.h.
 *
 * Deliberately thin: paths, parameters, bodies, roles and status codes. Shapes of
 * answers are described where the formats are.
 */
#include "web/api/api_private.h"

#include "base/text.h"
#include "base/version.h"

#include <string.h>

static const char *type_name(enum json_type type) {
    switch (type) {
    case JSON_NUMBER:
        return "integer";
    case JSON_BOOL:
        return "boolean";
    case JSON_ARRAY:
        return "array";
    default:
        return "string";
    }
}

static void json_schema(struct json *j, const char *key, const struct api_param *p) {
    json_object(j, key);
    if (p->in == API_BODY && !p->required) {
        json_array(j, "type");
        json_text(j, NULL, type_name(p->type));
        json_text(j, NULL, "null");
        json_end(j, ']');
    } else {
        json_text(j, "type", type_name(p->type));
    }
    if (p->type == JSON_ARRAY) {
        json_object(j, "items");
        json_text(j, "type", "string");
        json_end(j, '}');
    }
    if (p->in == API_BODY)
        json_text(j, "description", p->help);
    json_end(j, '}');
}

static void json_parameters(struct json *j, const struct api_route *route) {
    json_array(j, "parameters");
    for (const struct api_param *p = route->params; p->name; p++) {
        if (p->in == API_BODY)
            continue;
        json_object(j, NULL);
        json_text(j, "name", p->name);
        json_text(j, "in", p->in == API_PATH ? "path" : "query");
        json_bool(j, "required", p->required);
        json_text(j, "description", p->help);
        json_schema(j, "schema", p);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static const struct api_param *next_member(const struct api_param *p) {
    while (p->name && p->in != API_BODY)
        p++;
    return p->name ? p : NULL;
}

static void json_members(struct json *j, const struct api_route *route) {
    json_object(j, "schema");
    json_text(j, "type", "object");
    json_object(j, "properties");
    for (const struct api_param *p = next_member(route->params); p; p = next_member(p + 1))
        json_schema(j, p->name, p);
    json_end(j, '}');
    json_array(j, "required");
    for (const struct api_param *p = next_member(route->params); p; p = next_member(p + 1)) {
        if (p->required)
            json_text(j, NULL, p->name);
    }
    json_end(j, ']');
    json_bool(j, "additionalProperties", route->role == AUTH_AGENT || route->is_signed);
    json_end(j, '}');
}

static void json_body(struct json *j, const struct api_route *route) {
    if (route->takes == API_NDJSON) {
        json_object(j, "requestBody");
        json_object(j, "content");
        json_object(j, "application/x-ndjson");
        json_end(j, '}');
        json_end(j, '}');
        json_end(j, '}');
    } else if (route->takes == API_JSON && next_member(route->params)) {
        json_object(j, "requestBody");
        json_bool(j, "required", true);
        json_object(j, "content");
        json_object(j, "application/json");
        json_members(j, route);
        json_end(j, '}');
        json_end(j, '}');
        json_end(j, '}');
    }
}

static void json_answer(struct json *j, const char *status, const char *text, const char *type) {
    json_object(j, status);
    json_text(j, "description", text);
    if (type) {
        json_object(j, "content");
        json_object(j, type);
        json_end(j, '}');
        json_end(j, '}');
    }
    json_end(j, '}');
}

static void json_answers(struct json *j, const struct api_route *route) {
    char status[4] = {(char)('0' + route->status / 100), (char)('0' + route->status / 10 % 10),
                      (char)('0' + route->status % 10), '\0'};
    json_object(j, "responses");
    json_answer(j, status, "done", api_content_type(route->gives));
    json_answer(j, "default", "an error (RFC 9457); \"code\" tells which",
                "application/problem+json");
    json_end(j, '}');
}

/* Who may call it: a cookie for people, a signature for agents. */
static void json_scheme(struct json *j, const char *scheme) {
    json_object(j, NULL);
    json_array(j, scheme);
    json_end(j, ']');
    json_end(j, '}');
}

static void json_security(struct json *j, const struct api_route *route) {
    json_array(j, "security");
    if (route->role == AUTH_AGENT || route->is_signed || route->or_agent)
        json_scheme(j, "signature");
    if (route->role == AUTH_VIEWER || route->role == AUTH_ADMIN)
        json_scheme(j, "session");
    json_end(j, ']');
    json_text(j, "x-role", auth_role_name(route->role));
}

static void json_operation(struct json *j, const struct api_route *route) {
    char method[16] = "";
    const char *name = http_method_name(route->method);
    for (size_t i = 0; name[i] && i + 1 < sizeof method; i++)
        method[i] = ascii_lower(name[i]);
    json_object(j, method);
    json_text(j, "summary", route->help);
    json_security(j, route);
    json_parameters(j, route);
    json_body(j, route);
    json_answers(j, route);
    json_end(j, '}');
}

static bool is_first_of_path(size_t i) {
    for (size_t k = 0; k < i; k++) {
        if (strcmp(api_routes[k].path, api_routes[i].path) == 0)
            return false;
    }
    return true;
}

static void json_paths(struct json *j) {
    json_object(j, "paths");
    for (size_t i = 0; i < api_routes_n; i++) {
        if (!is_first_of_path(i))
            continue;
        json_object(j, api_routes[i].path);
        for (size_t k = i; k < api_routes_n; k++) {
            if (strcmp(api_routes[k].path, api_routes[i].path) == 0)
                json_operation(j, &api_routes[k]);
        }
        json_end(j, '}');
    }
    json_end(j, '}');
}

static void json_schemes(struct json *j) {
    json_object(j, "components");
    json_object(j, "securitySchemes");
    json_object(j, "session");
    json_text(j, "type", "apiKey");
    json_text(j, "in", "cookie");
    json_text(j, "name", "__Host-clm");
    json_text(j, "description",
              "from POST /session; what changes state also needs the header \"clm-request: 1\"");
    json_end(j, '}');
    json_object(j, "signature");
    json_text(j, "type", "apiKey");
    json_text(j, "in", "header");
    json_text(j, "name", "Signature");
    json_text(j, "description",
              "HTTP message signature (RFC 9421) with Content-Digest (RFC 9530), "
              "ecdsa-p256-sha256, tag \"clm\"");
    json_end(j, '}');
    json_end(j, '}');
    json_end(j, '}');
}

void api_openapi(const char *url, struct buf *out) {
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_text(&j, "openapi", "3.1.0");
    json_object(&j, "info");
    json_text(&j, "title", "clm");
    json_text(&j, "version", CLM_VERSION);
    json_text(&j, "description",
              "Certificates, where they are served, and the agents that look. Errors are "
              "application/problem+json; lists are paged by cursor.");
    json_end(&j, '}');
    json_array(&j, "servers");
    json_object(&j, NULL);
    json_text(&j, "url", url);
    json_end(&j, '}');
    json_end(&j, ']');
    json_paths(&j);
    json_schemes(&j);
    json_end(&j, '}');
}
