#include "ca/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

struct crew {
	void (*work)(void *arg, size_t i, unsigned member);
	void *arg;
	size_t count;
	atomic_size_t next;
	atomic_uint members;
};

static void *member(void *arg)
{
	struct crew *crew = arg;
	unsigned me = atomic_fetch_add(&crew->members, 1);
	size_t i;

	while ((i = atomic_fetch_add(&crew->next, 1)) < crew->count)
		crew->work(crew->arg, i, me);
	return (NULL);
}

/* Of the machine's processors, what this process may run on. */
size_t crew_size(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return (1);
	return ((size_t)CPU_COUNT(&set));
}

void crew_each(
    size_t count, void (*work)(void *arg, size_t i, unsigned member), void *arg)
{
	struct crew crew = { .work = work, .arg = arg, .count = count };
	size_t processors = crew_size(), n = 0;
	pthread_t others[CREW_MAX - 1];

	atomic_init(&crew.next, 0);
	atomic_init(&crew.members, 0);
	while (n < CREW_MAX - 1 && n + 1 < processors && n + 1 < count &&
	       pthread_create(&others[n], NULL, member, &crew) == 0)
		n++;
	(void)member(&crew);
	while (n > 0)
		(void)pthread_join(others[--n], NULL);
}
