#include "server/net/addresses.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/secret.h"
#include "server/base/map.h"

#define V4_BYTES 4
#define V6_PREFIX_BYTES 8

struct addresses {
	pthread_mutex_t lock;
	unsigned per_address, total, count;
	uint64_t salt;
	struct map waiting; /* Key of the address -> how many. */
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

/* FNV-1a, salted: two who share a hash share a limit. */
static uint64_t hash(const struct addresses *a, const uint8_t *p, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ a->salt;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return (h == 0 ? 1 : h);
}

uint64_t addresses_key(
    const struct addresses *a, const struct sockaddr_storage *from)
{
	union {
		const struct sockaddr_storage *any;
		const struct sockaddr_in *v4;
		const struct sockaddr_in6 *v6;
	} u = { .any = from };
	const uint8_t *p;

	if (from->ss_family == AF_INET)
		return (hash(a, (const uint8_t *)&u.v4->sin_addr, V4_BYTES));
	p = u.v6->sin6_addr.s6_addr;
	if (IN6_IS_ADDR_V4MAPPED(&u.v6->sin6_addr))
		return (
		    hash(a, p + sizeof(struct in6_addr) - V4_BYTES, V4_BYTES));
	return (hash(a, p, V6_PREFIX_BYTES));
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

enum sn_err addresses_admit(struct addresses *a, uint64_t k)
{
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

enum sn_err addresses_enter(struct addresses *a, uint64_t k)
{
	enum sn_err err;

	pthread_mutex_lock(&a->lock);
	err = add(a, k, 1);
	pthread_mutex_unlock(&a->lock);
	return (err);
}

void addresses_leave(struct addresses *a, uint64_t k)
{
	pthread_mutex_lock(&a->lock);
	/* What is there needs no memory. */
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
