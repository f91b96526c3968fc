#include "ca/found.h"

#include <stdio.h>
#include <string.h>

#include "ca/book.h"
#include "ca/issue.h"
#include "ca/issuer.h"
#include "ca/key.h"
#include "ca/utf8.h"

/* Leaves room for " Issuing CA 999" in the 64 of a common name. */
#define ORGANISATION_MAX 48

enum sn_err found_organisation(const char *name, struct sn_why *why)
{
	size_t n = strlen(name);

	if (n == 0 || n > ORGANISATION_MAX || name[0] == ' ' ||
	    name[n - 1] == ' ' || !utf8_is_text(name, n))
		return (sn_why(why, SN_EINVAL,
		    "an organisation's name is 1 to %d bytes of text, without "
		    "spaces around it",
		    ORGANISATION_MAX));
	return (SN_OK);
}

/* Makes one CA: its key is saved before its certificate is signed, so that
 * no certificate of ours is ever without its key. */
static enum sn_err make(struct authority *a, uint32_t id,
    const struct key *signer, const struct sn_secret *passphrase,
    struct key **key, struct sn_why *why)
{
	char cn[NAME_BYTES], path[PATH_BYTES], name[32];
	const char *kind = id == ISSUER_ROOT ? "root" : "issuer";
	struct order order = {
		.kind = id == ISSUER_ROOT ? KIND_ROOT : KIND_ISSUER,
		.name = cn,
		.label = "",
		.profile = profile_builtin(kind),
		.has_key = false,
		.replaces = true,
		.founds = id,
		.to = "",
	};
	struct issued issued;
	struct spki spki;
	enum sn_err err;

	if (id == ISSUER_ROOT)
		(void)snprintf(cn, sizeof(cn), "%s Root CA", a->organisation);
	else
		(void)snprintf(
		    cn, sizeof(cn), "%s Issuing CA %u", a->organisation, id);
	authority_path(a, path, "private/%s.pem", issuer_key(id, name));
	if ((err = key_generate(order.profile->key, key, why)) != SN_OK)
		return (err);
	order.key = &spki;
	if ((err = spki_of(key_public(*key), &spki, why)) != SN_OK ||
	    (err = key_save(*key, path, passphrase, why)) != SN_OK)
		goto failed;
	err = issue(a, &order, signer != NULL ? signer : *key, ISSUER_ROOT,
	    &issued, why);
	if (err != SN_OK)
		goto failed;
	err = book_delivered(a, &issued.rec, why);
	issue_free(&issued);
	if (err == SN_OK)
		return (SN_OK);
failed:
	key_free(*key);
	*key = NULL;
	return (err);
}

enum sn_err found_root(struct authority *a, const struct sn_secret *passphrase,
    struct key **key, struct sn_why *why)
{
	return (make(a, ISSUER_ROOT, NULL, passphrase, key, why));
}

enum sn_err found_issuer(struct authority *a, uint32_t id,
    const struct key *root, const struct sn_secret *passphrase,
    struct key **key, struct sn_why *why)
{
	return (make(a, id, root, passphrase, key, why));
}
