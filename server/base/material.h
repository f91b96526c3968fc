#ifndef SERVER_BASE_MATERIAL_H
#define SERVER_BASE_MATERIAL_H

#include "lib/bytes.h"
#include "lib/secret.h"
#include "server/base/settings.h"

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

/** material_passphrase(settings, out, why): the key's, from its file; ${out}
 * is left as it is when it has none.  SN_EMODE when others may read it. */
enum sn_err material_passphrase(const struct settings *settings,
    struct sn_secret *out, struct sn_why *why) SN_MUST_USE;

/**
 * material_check_key(settings, material, why):
 * Whether the key is the certificate's: SN_ECERT, SN_EPASSPHRASE.  Reads
 * the key, so only `sicherd -t` calls it; the server leaves that to the
 * keeper.
 */
enum sn_err material_check_key(const struct settings *settings,
    const struct material *material, struct sn_why *why) SN_MUST_USE;

/** material_why(file, key, err, why): ${err}, whose ${why} complains of this
 * file (NULL: a text from elsewhere), which that key of the configuration
 * names. */
enum sn_err material_why(const char *file, const char *key, enum sn_err err,
    struct sn_why *why) SN_MUST_USE;

void material_free(struct material *material);

#endif
