#ifndef SERVER_MATERIAL_H
#define SERVER_MATERIAL_H

#include "lib/bytes.h"
#include "server/settings.h"

/*
 * The files that the configuration names, read whole by the parent; but the
 * key, which it opens and does not read.
 */
struct material {
	struct sn_bytes config;
	struct sn_bytes authority;
	struct sn_bytes crl;
	struct sn_bytes chain;
	int key_fd;
};

/**
 * material_read(path, settings, out, why):
 * Read the files of ${settings}, and the configuration ${path} itself.
 * SN_EMODE for a key that others may read.
 */
enum sn_err material_read(const char *path, const struct settings *settings,
    struct material **out, struct sn_why *why) SN_MUST_USE;
void material_free(struct material *material);

#endif
