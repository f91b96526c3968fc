#include "ca/keyring.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/inventory.h"
#include "ca/issuer.h"

#define META_MOVED "root_key"

struct held {
	uint32_t id;
	struct key *key;
	struct held *next;
};

struct keyring {
	const struct authority *a;
	struct keyring_source source;
	struct held *held;
};

enum sn_err keyring_open(const struct authority *a,
    struct keyring_source *source, struct keyring **out, struct sn_why *why)
{
	struct keyring *ring = calloc(1, sizeof(*ring));

	if (ring == NULL) {
		sn_secret_free(&source->passphrase);
		sn_secret_free(&source->root_passphrase);
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	}
	ring->a = a;
	ring->source = *source;
	memset(source, 0, sizeof(*source));
	*out = ring;
	return (SN_OK);
}

void keyring_free(struct keyring *ring)
{
	if (ring == NULL)
		return;
	for (struct held *h = ring->held, *next; h != NULL; h = next) {
		next = h->next;
		key_free(h->key);
		free(h);
	}
	sn_secret_free(&ring->source.passphrase);
	sn_secret_free(&ring->source.root_passphrase);
	free(ring);
}

const char *keyring_path(
    const struct authority *a, uint32_t id, char out[PATH_BYTES])
{
	char name[32];

	return (authority_path(a, out, "private/%s.pem", issuer_key(id, name)));
}

static const char *path_of(
    const struct keyring *ring, uint32_t id, char out[PATH_BYTES])
{
	if (id == ISSUER_ROOT && ring->source.root_file != NULL)
		return (ring->source.root_file);
	return (keyring_path(ring->a, id, out));
}

bool keyring_has(const struct keyring *ring, uint32_t id)
{
	char path[PATH_BYTES];

	return (access(path_of(ring, id, path), F_OK) == 0);
}

const struct sn_secret *keyring_passphrase(const struct keyring *ring)
{
	return (&ring->source.passphrase);
}

bool keyring_named_root(const struct keyring *ring)
{
	return (ring->source.root_file != NULL);
}

enum sn_err keyring_moved(struct sn_txn *txn, char out[PATH_BYTES])
{
	struct sn_bytes value;
	enum sn_err err;

	out[0] = '\0';
	err = inventory_get(txn, TABLE_META, sn_bytes_of(META_MOVED), &value);
	if (err == SN_ENOTFOUND)
		return (SN_OK);
	if (err == SN_OK && value.n >= PATH_BYTES)
		err = SN_ECORRUPT;
	if (err != SN_OK)
		return (err);
	memcpy(out, value.p, value.n);
	out[value.n] = '\0';
	return (SN_OK);
}

enum sn_err keyring_note_moved(struct sn_txn *txn, const char *path)
{
	return (inventory_put(
	    txn, TABLE_META, sn_bytes_of(META_MOVED), sn_bytes_of(path)));
}

static enum sn_err missing(
    const struct keyring *ring, uint32_t id, struct sn_why *why)
{
	char path[PATH_BYTES], moved[PATH_BYTES] = "";
	struct sn_txn *txn;
	enum sn_err err;

	if (id == ISSUER_ROOT && ring->source.root_file == NULL) {
		if ((err = sn_txn_read(ring->a->store, &txn)) != SN_OK)
			return (inventory_why(ring->a->store, err, why));
		err = keyring_moved(txn, moved);
		sn_txn_abort(txn);
		if (err != SN_OK)
			return (inventory_why(ring->a->store, err, why));
		return (sn_why(why, SN_ENOTFOUND,
		    "this needs the root's key, which is not in %s/private%s"
		    "%.200s; bring its medium and say --root-key FILE",
		    ring->a->dir, moved[0] != '\0' ? "; it was moved to " : "",
		    moved));
	}
	return (sn_why(why, SN_ENOTFOUND,
	    "there is no key %s; bring its medium, or take it from a backup",
	    path_of(ring, id, path)));
}

/* A key that was named may be anybody's. */
static enum sn_err check_root(
    const struct keyring *ring, const struct key *key, struct sn_why *why)
{
	struct sn_txn *txn;
	enum sn_err err;
	X509 *root;

	if ((err = sn_txn_read(ring->a->store, &txn)) != SN_OK)
		return (inventory_why(ring->a->store, err, why));
	err = issuer_certificate(txn, ISSUER_ROOT, &root, why);
	sn_txn_abort(txn);
	if (err != SN_OK)
		return (err);
	if (!key_fits(key, root))
		err = sn_why(why, SN_EDENIED,
		    "%s is not the key of this authority's root",
		    ring->source.root_file);
	X509_free(root);
	return (err);
}

static enum sn_err load(const struct keyring *ring, uint32_t id,
    struct key **out, struct sn_why *why)
{
	const struct sn_secret *passphrase = &ring->source.passphrase;
	char path[PATH_BYTES];
	struct key *key;
	enum sn_err err;

	if (!keyring_has(ring, id))
		return (missing(ring, id, why));
	if (id == ISSUER_ROOT && ring->source.root_passphrase.data != NULL)
		passphrase = &ring->source.root_passphrase;
	err = key_load(path_of(ring, id, path), passphrase, &key, why);
	if (err != SN_OK)
		return (err);
	if (id == ISSUER_ROOT && ring->source.root_file != NULL &&
	    (err = check_root(ring, key, why)) != SN_OK) {
		key_free(key);
		return (err);
	}
	*out = key;
	return (SN_OK);
}

enum sn_err keyring_key(struct keyring *ring, uint32_t id,
    const struct key **out, struct sn_why *why)
{
	struct held *h;
	enum sn_err err;

	for (h = ring->held; h != NULL; h = h->next)
		if (h->id == id) {
			*out = h->key;
			return (SN_OK);
		}
	if ((h = calloc(1, sizeof(*h))) == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	h->id = id;
	if ((err = load(ring, id, &h->key, why)) != SN_OK) {
		free(h);
		return (err);
	}
	h->next = ring->held;
	ring->held = h;
	*out = h->key;
	return (SN_OK);
}
