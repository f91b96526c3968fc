#include "server/net/thrift.h"

#include <malloc.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/net_impl.h"

#define GONE_MIN 100 /* Connections, some two megabytes. */

void thrift_look(struct net *net)
{
	struct thrift *t = &net->thrift;
	unsigned now = addresses_count(net->addresses);
	bool falling = now < t->last;
	uint64_t begin;

	t->last = now;
	if (now > t->most)
		t->most = now;
	if (falling || t->most - now < GONE_MIN || now > t->most / 4 * 3)
		return;
	begin = sn_clock_mono();
	(void)malloc_trim(0);
	sn_log(SN_DEBUG, "memory.returned", "connections=%u of=%u us=%llu", now,
	    t->most, (unsigned long long)((sn_clock_mono() - begin) / 1000));
	t->most = now;
}
