#include "client/identity.h"

#include <stdlib.h>

#include "lib/file.h"
#include "lib/passphrase.h"

#define PEM_MAX (256 * 1024)

struct parts {
	char *authority, *certificate;
	size_t authority_size, certificate_size;
	struct sn_secret key, passphrase;
};

static enum sn_err join(const struct parts *p, bool with_passphrase,
    struct sn_tls_context **out, struct sn_why *why)
{
	struct sn_tls_identity who = {
		.authority = { p->authority, p->authority_size },
		.certificate = { p->certificate, p->certificate_size },
		.key = { p->key.data, p->key.len },
		.passphrase = with_passphrase ? &p->passphrase : NULL,
	};

	return (sn_tls_client_new(&who, out, why));
}

/* The library's sentences do not know the files. */
static enum sn_err name_files(
    const struct profile *profile, enum sn_err err, struct sn_why *why)
{
	struct sn_why before;

	if (err == SN_OK)
		return (err);
	before = *why;
	return (sn_why(why, err,
	    "%.200s (certificate %.90s, key %.90s, "
	    "authority %.90s)",
	    before.text, profile->certificate, profile->key,
	    profile->authority));
}

static enum sn_err ask(const struct profile *profile, const char *fd,
    struct sn_secret *out, struct sn_why *why)
{
	struct sn_passphrase source = {
		.what = "passphrase of your key",
		.fd = fd,
		.file = profile->key_passphrase_file[0] != '\0'
			    ? profile->key_passphrase_file
			    : NULL,
		.hint = "--key-passphrase-fd N, or key_passphrase_file in the "
			"profile",
	};

	return (sn_passphrase_read(&source, out, why));
}

static enum sn_err open_parts(const struct profile *profile, const char *fd,
    struct parts *p, struct sn_tls_context **out, struct sn_why *why)
{
	enum sn_err err;

	if ((err = sn_file_read(profile->authority, PEM_MAX, &p->authority,
		 &p->authority_size, why)) != SN_OK ||
	    (err = sn_file_read(profile->certificate, PEM_MAX, &p->certificate,
		 &p->certificate_size, why)) != SN_OK ||
	    (err = sn_file_read_secret(profile->key, PEM_MAX, &p->key, why)) !=
		SN_OK)
		return (err);
	if ((err = join(p, false, out, why)) != SN_EPASSPHRASE)
		return (name_files(profile, err, why));
	if ((err = ask(profile, fd, &p->passphrase, why)) != SN_OK)
		return (err);
	return (name_files(profile, join(p, true, out, why), why));
}

enum sn_err identity_open(const struct profile *profile,
    const char *passphrase_fd, struct sn_tls_context **out, struct sn_why *why)
{
	struct parts p = { 0 };
	enum sn_err err = open_parts(profile, passphrase_fd, &p, out, why);

	free(p.authority);
	free(p.certificate);
	sn_secret_free(&p.key);
	sn_secret_free(&p.passphrase);
	return (err);
}
