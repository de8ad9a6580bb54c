/* The pages of the GUI as assets. The table is made at build by embed.c, sorted
 * by path for http_asset_find: "/" is the shell (index.html), all else lies below
 * "/gui/". Every path of a page is answered with the shell; its script then
 * looks at the address (app.js has the list of pages).
 */
#ifndef GUI_GUI_H
#define GUI_GUI_H

#include "web/http/http.h"

extern const struct http_asset gui_assets[];
extern const size_t gui_assets_n;

#endif
