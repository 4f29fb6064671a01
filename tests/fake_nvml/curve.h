/* The boards' true power as a function of CLOCK_MONOTONIC time, and its integral in closed form.
 *
 * Every shape is a fraction in [0, 1] that repeats each period; power is low + (high - low) x
 * fraction, times the board's scale. tests/fake_nvml/__init__.py has the same formulas in Python,
 * and a test compares the two.
 */
#ifndef CURVE_H
#define CURVE_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOISE_SLOTS 64   /* steps of the noise in one period */
#define BURST_S 0.010    /* length of a burst */

static double setting(const char *name, double otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtod(text, NULL) : otherwise;
}

static const char *word(const char *name, const char *otherwise) {
    const char *text = getenv(name);
    return text && *text ? text : otherwise;
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Step `slot` of the noise: the high bits of splitmix64. */
static double noise(uint64_t slot) {
    uint64_t z = (slot + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

/* The curve `random`: steps of uneven length and level, which depend on FAKE_NVML_SEED. */
static double level(uint64_t slot) {
    return noise(2 * NOISE_SLOTS * (uint64_t)setting("FAKE_NVML_SEED", 0) + slot);
}
static double step_length(uint64_t slot) {
    double x = level(NOISE_SLOTS + slot);
    return 0.05 + x * x;  /* short steps are common, long ones are not */
}

/* Integral of the levels up to `u` in the period; the level at `u` is written to `now`. */
static double stepped(double u, double *now) {
    double whole = 0, sum = 0, at = 0;
    for (uint64_t slot = 0; slot < NOISE_SLOTS; slot++) whole += step_length(slot);
    for (uint64_t slot = 0; slot < NOISE_SLOTS; slot++) {
        double length = step_length(slot) / whole;
        *now = level(slot);
        if (at + length > u) return sum + (u - at) * *now;
        sum += length * *now;
        at += length;
    }
    return sum;
}

static double duty(void) {
    if (!strcmp(word("FAKE_NVML_SHAPE", "square"), "burst"))
        return BURST_S / setting("FAKE_NVML_PERIOD_S", 0.7);
    return setting("FAKE_NVML_DUTY", 0.37);
}

/* Fraction of the way from low to high power at `u`, a place in the period in [0, 1). */
static double fraction(double u) {
    const char *shape = word("FAKE_NVML_SHAPE", "square");
    if (!strcmp(shape, "constant")) return 1.0;
    if (!strcmp(shape, "ramp")) return u;
    if (!strcmp(shape, "noise")) return noise((uint64_t)(u * NOISE_SLOTS));
    if (!strcmp(shape, "random")) {
        double now;
        stepped(u, &now);
        return now;
    }
    return u < duty() ? 1.0 : 0.0;
}

/* Integral of `fraction` from 0 to `u`, a place in the period in [0, 1]. */
static double filled(double u) {
    const char *shape = word("FAKE_NVML_SHAPE", "square");
    if (!strcmp(shape, "constant")) return u;
    if (!strcmp(shape, "ramp")) return u * u / 2;
    if (!strcmp(shape, "noise")) {
        double sum = 0, slots = u * NOISE_SLOTS;
        for (uint64_t slot = 0; slot < (uint64_t)slots; slot++) sum += noise(slot);
        return (sum + (slots - floor(slots)) * noise((uint64_t)slots)) / NOISE_SLOTS;
    }
    if (!strcmp(shape, "random")) {
        double now;
        return stepped(u, &now);
    }
    return fmin(u, duty());
}

static double scale(int board) { return 1 + board * setting("FAKE_NVML_SCALE_STEP", 0.05); }

/* Number of periods since the curve's start, which is a little earlier for each further board. */
static double periods(int board, double time_s) {
    double shift_s = board * setting("FAKE_NVML_PHASE_STEP_S", 0.11);
    return (time_s + shift_s) / setting("FAKE_NVML_PERIOD_S", 0.7);
}

/* Low or high power, capped by the power limit: the curve keeps its shape, with its peak at the limit. */
static double level_w(int board, const char *name, double otherwise, double limit_w) {
    return fmin(scale(board) * setting(name, otherwise), limit_w);
}

static double limited_w(int board, double time_s, double limit_w) {
    double low = level_w(board, "FAKE_NVML_LOW_W", 60, limit_w);
    double high = level_w(board, "FAKE_NVML_HIGH_W", 300, limit_w);
    double x = periods(board, time_s);
    return low + (high - low) * fraction(x - floor(x));
}

/* Energy under one limit from an arbitrary start to `time_s`; only differences are meaningful. */
static double limited_j(int board, double time_s, double limit_w) {
    double low = level_w(board, "FAKE_NVML_LOW_W", 60, limit_w);
    double high = level_w(board, "FAKE_NVML_HIGH_W", 300, limit_w);
    double x = periods(board, time_s), whole = floor(x);
    double full_periods = whole * filled(1.0) + filled(x - whole);
    return low * time_s + (high - low) * setting("FAKE_NVML_PERIOD_S", 0.7) * full_periods;
}

/* ---- power limits: a file for each board, a line "time_s watts" for each that was set ---- */

static FILE *limits_of(int board, const char *mode) {
    const char *folder = word("FAKE_NVML_LIMITS", "");
    char path[4096];
    snprintf(path, sizeof path, "%s/board%d", folder, board);
    return *folder ? fopen(path, mode) : NULL;
}

/* Limit that was last set before `time_s`; infinite if none was. */
static double set_limit_w(int board, double time_s) {
    double at_s, limit_w, found_w = HUGE_VAL;
    FILE *file = limits_of(board, "r");
    while (file && fscanf(file, "%lf %lf", &at_s, &limit_w) == 2)
        if (at_s <= time_s) found_w = limit_w;
    if (file) fclose(file);
    return found_w;
}

static int set_limit(int board, double limit_w) {
    FILE *file = limits_of(board, "a");
    if (!file) return 0;
    fprintf(file, "%.9f %.3f\n", now_s(), limit_w);
    return fclose(file) == 0;
}

static double curve_w(int board, double time_s) {
    return limited_w(board, time_s, set_limit_w(board, time_s));
}

/* Energy from an arbitrary start to `time_s`; only differences are meaningful. */
static double curve_j(int board, double time_s) {
    double at_s, limit_w, now_w = HUGE_VAL, since_s = 0, energy_j = 0;
    FILE *file = limits_of(board, "r");
    while (file && fscanf(file, "%lf %lf", &at_s, &limit_w) == 2 && at_s < time_s) {
        energy_j += limited_j(board, at_s, now_w) - limited_j(board, since_s, now_w);
        since_s = at_s;
        now_w = limit_w;
    }
    if (file) fclose(file);
    return energy_j + limited_j(board, time_s, now_w) - limited_j(board, since_s, now_w);
}

/* Time of the last refresh of something that is refreshed every `refresh_ms`. */
static double renewed_s(double time_s, double refresh_ms) {
    return refresh_ms > 0 ? floor(time_s * 1000 / refresh_ms) * refresh_ms / 1000 : time_s;
}

#endif
