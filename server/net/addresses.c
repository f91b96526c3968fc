#include "server/net/addresses.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/secret.h"
#include "server/base/map.h"

struct addresses {
	pthread_mutex_t lock;
	unsigned per_address, total, count;
	uint64_t salt;
	struct map waiting; /* Hash of the host -> how many. */
};

enum sn_err addresses_new(
    unsigned per_address, unsigned total, struct addresses **out)
{
	struct addresses *a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (SN_ENOMEM);
	if (pthread_mutex_init(&a->lock, NULL) != 0) {
		free(a);
		return (SN_ENOMEM);
	}
	a->per_address = per_address;
	a->total = total;
	sn_secret_random(&a->salt, sizeof(a->salt));
	*out = a;
	return (SN_OK);
}

void addresses_free(struct addresses *a)
{
	if (a == NULL)
		return;
	map_free(&a->waiting);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* FNV-1a over the host, salted: a hash two hosts share shares a limit. */
static uint64_t key(const struct addresses *a, const char *address)
{
	const char *colon = strrchr(address, ':');
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ a->salt;

	for (const char *p = address; *p != '\0' && p != colon; p++)
		h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	return (h == 0 ? 1 : h);
}

static enum sn_err add(struct addresses *a, uint64_t k, uintptr_t by)
{
	uintptr_t n = (uintptr_t)map_get(&a->waiting, k) + by;

	if (n == 0) {
		map_delete(&a->waiting, k);
		return (SN_OK);
	}
	return (map_put(&a->waiting, k, (void *)n));
}

enum sn_err addresses_admit(struct addresses *a, const char *address)
{
	uint64_t k = key(a, address);
	enum sn_err err = SN_ELIMIT;

	pthread_mutex_lock(&a->lock);
	if (a->count >= a->total)
		err = SN_EFULL;
	else if ((uintptr_t)map_get(&a->waiting, k) < a->per_address &&
		 (err = add(a, k, 1)) == SN_OK)
		a->count++;
	pthread_mutex_unlock(&a->lock);
	return (err);
}

void addresses_enter(struct addresses *a, const char *address)
{
	pthread_mutex_lock(&a->lock);
	/* Without memory it goes uncounted, and addresses_leave finds 0. */
	(void)add(a, key(a, address), 1);
	pthread_mutex_unlock(&a->lock);
}

void addresses_leave(struct addresses *a, const char *address)
{
	uint64_t k = key(a, address);

	pthread_mutex_lock(&a->lock);
	if (map_get(&a->waiting, k) != NULL)
		(void)add(a, k, (uintptr_t)-1);
	pthread_mutex_unlock(&a->lock);
}

void addresses_gone(struct addresses *a)
{
	pthread_mutex_lock(&a->lock);
	a->count--;
	pthread_mutex_unlock(&a->lock);
}

unsigned addresses_count(struct addresses *a)
{
	unsigned n;

	pthread_mutex_lock(&a->lock);
	n = a->count;
	pthread_mutex_unlock(&a->lock);
	return (n);
}
