#include "server/keeper/keeper_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICER 10 /* Than the process; see the header. */

struct keeper_pool {
	struct mailbox *mailbox;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct keeper_job *first, **tail;
	bool stop;
	int nice;
	unsigned count;
	pthread_t threads[];
};

static struct sn_bytes of(const struct sn_secret *s)
{
	return ((struct sn_bytes){ s->data, s->len });
}

static enum sn_err work(struct keeper_job *job)
{
	enum sn_err err = SN_OK;

	job->made[0] = '\0';
	if (job->phc[0] != '\0' &&
	    (err = argon_verify(job->phc, of(&job->password))) != SN_OK)
		return (err);
	if (job->fresh.data != NULL)
		return (argon_hash(&job->cost, of(&job->fresh), job->made));
	/* A new cost is worth a try; without it the old hash is as good. */
	if (job->phc[0] != '\0' && argon_outdated(job->phc, &job->cost) &&
	    argon_hash(&job->cost, of(&job->password), job->made) != SN_OK)
		job->made[0] = '\0';
	return (SN_OK);
}

void keeper_pool_work(struct keeper_job *job)
{
	job->err = work(job);
	sn_secret_free(&job->password);
	sn_secret_free(&job->fresh);
}

static struct keeper_job *take(struct keeper_pool *pool)
{
	struct keeper_job *job;

	pthread_mutex_lock(&pool->lock);
	while (pool->first == NULL && !pool->stop)
		pthread_cond_wait(&pool->wake, &pool->lock);
	job = pool->stop ? NULL : pool->first;
	if (job != NULL && (pool->first = job->next) == NULL)
		pool->tail = &pool->first;
	pthread_mutex_unlock(&pool->lock);
	return (job);
}

static void *run(void *arg)
{
	struct keeper_pool *pool = arg;
	struct keeper_job *job;

	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), pool->nice);
	while ((job = take(pool)) != NULL) {
		keeper_pool_work(job);
		mailbox_post(pool->mailbox, &job->done);
	}
	return (NULL);
}

enum sn_err keeper_pool_new(
    unsigned threads, struct mailbox *mailbox, struct keeper_pool **out)
{
	struct keeper_pool *pool;

	pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));
	if (pool == NULL)
		return (SN_ENOMEM);
	pool->mailbox = mailbox;
	pool->nice = getpriority(PRIO_PROCESS, 0) + NICER;
	pool->tail = &pool->first;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	for (; pool->count < threads; pool->count++) {
		if (pthread_create(
			&pool->threads[pool->count], NULL, run, pool) != 0) {
			keeper_pool_free(pool);
			return (SN_ENOMEM);
		}
	}
	*out = pool;
	return (SN_OK);
}

void keeper_pool_free(struct keeper_pool *pool)
{
	struct keeper_job *job;

	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->count; i++)
		pthread_join(pool->threads[i], NULL);
	while ((job = pool->first) != NULL) {
		pool->first = job->next;
		job->err = SN_EBUSY;
		sn_secret_free(&job->password);
		sn_secret_free(&job->fresh);
		mailbox_post(pool->mailbox, &job->done);
	}
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void keeper_pool_run(struct keeper_pool *pool, struct keeper_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&pool->lock);
	*pool->tail = job;
	pool->tail = &job->next;
	pthread_cond_signal(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
}
