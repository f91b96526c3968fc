#include "server/keeper/keeper_line.h"

#include <string.h>

/* Sorted by due. */
static void enlist(struct keeper_line *line, struct keeper_place *place)
{
	struct keeper_place **at = &line->first;

	while (*at != NULL && (*at)->due <= place->due)
		at = &(*at)->next;
	place->next = *at;
	*at = place;
}

static void delist(struct keeper_line *line, const struct keeper_place *place)
{
	struct keeper_place **at = &line->first;

	while (*at != place)
		at = &(*at)->next;
	*at = place->next;
}

static void move_to(struct keeper_line *line, struct keeper_place *place,
    enum keeper_place_state state)
{
	line->queued -= place->state == KEEPER_QUEUED;
	line->running -= place->state == KEEPER_RUNNING;
	place->state = state;
	line->queued += state == KEEPER_QUEUED;
	line->running += state == KEEPER_RUNNING;
}

static bool same_device(
    const struct keeper_place *a, const struct keeper_place *b)
{
	return (a->account == b->account &&
		memcmp(a->fp, b->fp, sizeof(a->fp)) == 0);
}

bool keeper_line_enter(struct keeper_line *line, struct keeper_place *place)
{
	unsigned device = 0;

	place->turn = line->turn;
	for (const struct keeper_place *i = line->first; i != NULL;
	     i = i->next) {
		if (i->account != place->account)
			continue;
		device += same_device(i, place);
		if (i->state == KEEPER_QUEUED && i->turn >= place->turn)
			place->turn = i->turn + 1;
	}
	if (line->count >= KEEPER_LINE_MAX || device >= KEEPER_LINE_OF_A_DEVICE)
		return (false);
	place->state = KEEPER_QUEUED;
	enlist(line, place);
	line->count++;
	line->queued++;
	return (true);
}

void keeper_line_leave(struct keeper_line *line, struct keeper_place *place)
{
	delist(line, place);
	move_to(line, place, KEEPER_TURNED_AWAY);
	line->count--;
}

static bool device_runs(
    const struct keeper_line *line, const struct keeper_place *of)
{
	for (const struct keeper_place *i = line->first; i != NULL;
	     i = i->next) {
		if (i->state == KEEPER_RUNNING && same_device(i, of))
			return (true);
	}
	return (false);
}

struct keeper_place *keeper_line_next(struct keeper_line *line)
{
	struct keeper_place *best = NULL;

	for (struct keeper_place *i = line->first; i != NULL; i = i->next) {
		if (i->state == KEEPER_QUEUED &&
		    (best == NULL || i->turn < best->turn) &&
		    !device_runs(line, i))
			best = i;
	}
	if (best != NULL)
		line->turn = best->turn;
	return (best);
}

void keeper_line_run(struct keeper_line *line, struct keeper_place *place)
{
	move_to(line, place, KEEPER_RUNNING);
}

void keeper_line_refuse(struct keeper_line *line, struct keeper_place *place)
{
	move_to(line, place, KEEPER_TURNED_AWAY);
}

struct keeper_place *keeper_line_last(const struct keeper_line *line)
{
	struct keeper_place *last = NULL;

	for (struct keeper_place *i = line->first; i != NULL; i = i->next) {
		if (i->state == KEEPER_QUEUED &&
		    (last == NULL || i->turn >= last->turn))
			last = i;
	}
	return (last);
}

bool keeper_line_would_wait(
    const struct keeper_line *line, const struct keeper_place *of)
{
	if (!of->unseen || line->queued + line->running == 0)
		return (false);
	for (const struct keeper_place *i = line->first; i != NULL;
	     i = i->next) {
		if (i->arrived > of->arrived)
			continue;
		if (i->state == KEEPER_RUNNING ||
		    (i->state == KEEPER_QUEUED && i->turn <= of->turn))
			return (true);
	}
	return (false);
}

void keeper_line_put_off(
    struct keeper_line *line, struct keeper_place *place, uint64_t ns)
{
	delist(line, place);
	place->due += ns;
	enlist(line, place);
}
