/* A stand-in for libnvidia-ml.so.1: boards with a known power curve, and faults on request.
 *
 * It implements the calls that pynvml, Ray (to count boards, and in its dashboard) and other trackers make.
 * Its behaviour is set by environment variables, which tests/fake_nvml/__init__.py lists.
 * Compiled with -DOLD_DRIVER it lacks the energy counter and the field values, as old drivers do.
 */
#include "curve.h"

#include <stdio.h>
#include <unistd.h>

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7, GPU_IS_LOST = 15
};
enum { FI_TOTAL_ENERGY = 83, FI_POWER_AVERAGE = 185, FI_POWER_INSTANT = 186 };
enum { TYPE_UINT = 1, TYPE_ULONGLONG = 3 };
enum { MAX_BOARDS = 8, SLICES = 2 };

typedef int Return;
typedef struct { int board, slice; } Handle;  /* slice -1: the board itself */
typedef Handle *Device;

typedef struct {
    char bus_id_legacy[16];
    unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
    char bus_id[32];
} PciInfo;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } MemoryV2;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned version, sensor; int celsius; } Temperature;
typedef struct {
    unsigned field, scope;
    long long time_us, latency_us;
    unsigned type;
    Return status;
    union { unsigned ui; unsigned long long ull; } value;
} FieldValue;

static const char *const UUIDS[MAX_BOARDS] = {
    "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "GPU-1f0e7a6b-93c2-58d4-a1b7-6e0d4c82f513",
    "GPU-c47d20e8-5b19-f3a6-0d84-97ab31e65c02", "GPU-89a1c5e2-0b7d-9e34-5f61-7c20d4b8e913",
    "GPU-60b3f4d9-7e28-1ca5-8f02-d5394be17a6c", "GPU-f5182ac7-64d0-bb39-e27c-013f8d96a54e",
    "GPU-2ea94d71-c806-47f3-95be-fa6b027d38c1", "GPU-b7d65083-1a9f-2e4c-d830-48e1c97f52ab",
};
static Handle handles[MAX_BOARDS][SLICES + 1];
static int users = 0;
static unsigned readings = 0;

static int boards(void) { return (int)setting("FAKE_NVML_BOARDS", 1); }
static int mig(void) { return setting("FAKE_NVML_MIG", 0) > 0; }

static Device handle(int board, int slice) {
    Handle *one = &handles[board][slice + 1];
    one->board = board;
    one->slice = slice;
    return one;
}

/* Board that NVML lists at an index: with FAKE_NVML_ORDER="2,0,1", board 2 comes first. */
static int board_at(unsigned index) {
    const char *order = word("FAKE_NVML_ORDER", "");
    for (unsigned at = 0; at < index && order; at++)
        order = strchr(order, ',') ? strchr(order, ',') + 1 : NULL;
    return order && *order ? atoi(order) : (int)index;
}

/* Status of any call on a device: whether NVML is initialised, the handle valid and the board not lost. */
static Return state(Device device) {
    if (users <= 0) return UNINITIALIZED;
    if (!device || (char *)device < (char *)handles || (char *)device >= (char *)(&handles + 1))
        return INVALID_ARGUMENT;
    double lost_at = setting("FAKE_NVML_LOST_AT_S", 0);
    int lost = (int)setting("FAKE_NVML_LOST_BOARD", 0);
    return lost_at > 0 && now_s() >= lost_at && device->board == lost ? GPU_IS_LOST : SUCCESS;
}

/* Hang as a driver may: calls on the hanging board return when the file is gone and the time is over. */
static void hang(int board) {
    if (board != (int)setting("FAKE_NVML_HANG_BOARD", 0)) return;
    const char *file = word("FAKE_NVML_HANG_WHILE", "");
    while (*file && access(file, F_OK) == 0) nanosleep(&(struct timespec){0, 5000000}, NULL);
    double until = setting("FAKE_NVML_HANG_UNTIL_S", 0);
    if (now_s() < setting("FAKE_NVML_HANG_FROM_S", 0)) return;
    for (double left = until - now_s(); left > 0; left = until - now_s()) {
        struct timespec pause = {(time_t)left, (long)(1e9 * (left - floor(left)))};
        nanosleep(&pause, NULL);
    }
}

/* Status of a reading of power or energy, of which every n-th fails with FAKE_NVML_FAIL_EVERY. */
static Return reading(Device device) {
    Return status = state(device);
    if (status != SUCCESS) return status;
    hang(device->board);
    unsigned every = (unsigned)setting("FAKE_NVML_FAIL_EVERY", 0);
    unsigned count = __atomic_add_fetch(&readings, 1, __ATOMIC_RELAXED);
    if (every && count % every == 0) return (Return)setting("FAKE_NVML_FAIL_CODE", 999);
    return device->slice >= 0 ? NOT_SUPPORTED : SUCCESS;
}

static unsigned milliwatts(int board, int average) {
    double time_s = renewed_s(now_s(), setting("FAKE_NVML_POWER_REFRESH_MS", 20));
    double power_w = average ? curve_j(board, time_s) - curve_j(board, time_s - 1)
                             : curve_w(board, time_s);
    unsigned every = (unsigned)setting("FAKE_NVML_ZERO_EVERY", 0);
    if (every && __atomic_load_n(&readings, __ATOMIC_RELAXED) % every == 0) return 0;
    return (unsigned)lround(1000 * power_w);
}

static Return millijoules(int board, unsigned long long *value) {
    if (setting("FAKE_NVML_NO_COUNTER", 0) > 0) return NOT_SUPPORTED;
    double now = now_s(), time_s = renewed_s(now, setting("FAKE_NVML_REFRESH_MS", 20));
    double energy_j = curve_j(board, time_s);
    double back_at = setting("FAKE_NVML_BACKWARD_AT_S", 0);
    double reset_at = setting("FAKE_NVML_RESET_AT_S", 0);
    if (back_at > 0 && now >= back_at) energy_j -= setting("FAKE_NVML_BACKWARD_J", 1000);
    if (reset_at > 0 && now >= reset_at) energy_j -= curve_j(board, fmin(reset_at, time_s));
    *value = (unsigned long long)(1000 * fmax(0, energy_j));
    return SUCCESS;
}

static Return text(char *out, unsigned length, const char *value) {
    if (strlen(value) + 1 > length) return INSUFFICIENT_SIZE;
    strcpy(out, value);
    return SUCCESS;
}

/* ---- library and system ---- */

Return nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    Return refused = (Return)setting("FAKE_NVML_INIT_CODE", 0);
    if (refused == SUCCESS) users++;
    return refused;
}
Return nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
Return nvmlInit(void) { return nvmlInitWithFlags(0); }
Return nvmlShutdown(void) {
    if (users <= 0) return UNINITIALIZED;
    users--;
    return SUCCESS;
}
const char *nvmlErrorString(Return code) { return code == SUCCESS ? "Success" : "Fake error"; }
Return nvmlSystemGetDriverVersion(char *out, unsigned length) {
    return users > 0 ? text(out, length, "570.00.fake") : UNINITIALIZED;
}
Return nvmlSystemGetNVMLVersion(char *out, unsigned length) {
    return text(out, length, "12.570.00.fake");
}
Return nvmlSystemGetCudaDriverVersion(int *version) { *version = 12080; return SUCCESS; }
Return nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12080; return SUCCESS; }

/* ---- finding devices ---- */

Return nvmlDeviceGetCount_v2(unsigned *count) {
    *count = (unsigned)boards();
    return users > 0 ? SUCCESS : UNINITIALIZED;
}
Return nvmlDeviceGetHandleByIndex_v2(unsigned index, Device *device) {
    if (users <= 0) return UNINITIALIZED;
    if (index >= (unsigned)boards()) return INVALID_ARGUMENT;
    *device = handle(board_at(index), -1);
    return state(*device);
}
Return nvmlDeviceGetIndex(Device device, unsigned *index) {
    Return status = state(device);
    for (*index = 0; status == SUCCESS && board_at(*index) != device->board;) ++*index;
    return status;
}
Return nvmlDeviceGetName(Device device, char *out, unsigned length) {
    Return status = state(device);
    const char *model = getenv("FAKE_NVML_MODEL");
    char name[96];
    if (status != SUCCESS) return status;
    snprintf(name, sizeof name, "NVIDIA Fake %s%s", model ? model : "RTX 6000",
             device->slice < 0 ? "" : " MIG 3g.20gb");
    return text(out, length, name);
}
/* UUID of a slice: that of its board, with the first digit replaced. */
Return nvmlDeviceGetUUID(Device device, char *out, unsigned length) {
    char mig_uuid[64];
    Return status = state(device);
    if (status != SUCCESS) return status;
    if (device->slice < 0) return text(out, length, UUIDS[device->board]);
    snprintf(mig_uuid, sizeof mig_uuid, "MIG-%x%s", 10 + device->slice, UUIDS[device->board] + 5);
    return text(out, length, mig_uuid);
}
Return nvmlDeviceGetHandleByUUID(const char *uuid, Device *device) {
    char own[96];
    if (users <= 0) return UNINITIALIZED;
    for (int board = 0; board < boards(); board++)
        for (int slice = -1; slice < (mig() ? SLICES : 0); slice++) {
            *device = handle(board, slice);
            if (nvmlDeviceGetUUID(*device, own, sizeof own) == SUCCESS && !strcmp(own, uuid))
                return SUCCESS;
        }
    return NOT_FOUND;
}
Return nvmlDeviceGetPciInfo_v3(Device device, PciInfo *info) {
    Return status = state(device);
    if (status != SUCCESS) return status;
    memset(info, 0, sizeof *info);
    info->bus = 0x01 + 0x20 * (unsigned)device->board;
    info->pci_device_id = 0x26B110DE;
    snprintf(info->bus_id_legacy, sizeof info->bus_id_legacy, "0000:%02X:00.0", info->bus);
    snprintf(info->bus_id, sizeof info->bus_id, "00000000:%02X:00.0", info->bus);
    return SUCCESS;
}
Return nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, Device *device) {
    PciInfo info;
    for (int board = 0; board < boards(); board++) {
        *device = handle(board, -1);
        Return status = nvmlDeviceGetPciInfo_v3(*device, &info);
        if (status != SUCCESS) return status;
        if (!strcmp(info.bus_id, bus_id) || !strcmp(info.bus_id_legacy, bus_id)) return SUCCESS;
    }
    return NOT_FOUND;
}

/* ---- MIG ---- */

Return nvmlDeviceGetMigMode(Device device, unsigned *current, unsigned *pending) {
    *current = *pending = (unsigned)mig();
    return state(device);
}
Return nvmlDeviceGetMaxMigDeviceCount(Device device, unsigned *count) {
    *count = mig() ? 7 : 0;
    return state(device);
}
Return nvmlDeviceGetMigDeviceHandleByIndex(Device device, unsigned index, Device *slice) {
    Return status = state(device);
    if (status != SUCCESS) return status;
    if (!mig() || index >= SLICES) return NOT_FOUND;
    *slice = handle(device->board, (int)index);
    return SUCCESS;
}
Return nvmlDeviceIsMigDeviceHandle(Device device, unsigned *answer) {
    Return status = state(device);
    if (status == SUCCESS) *answer = device->slice >= 0;
    return status;
}
Return nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device slice, Device *device) {
    Return status = state(slice);
    if (status == SUCCESS) *device = handle(slice->board, -1);
    return status;
}

/* ---- power and energy ---- */

Return nvmlDeviceGetPowerUsage(Device device, unsigned *power_mw) {
    Return status = reading(device);
    /* The 1 s average, as on Ampere (except GA100) and newer boards. */
    int average = strcmp(word("FAKE_NVML_USAGE", "average"), "instant") != 0;
    if (status == SUCCESS) *power_mw = milliwatts(device->board, average);
    return status;
}
#ifndef OLD_DRIVER
/* Half the duration of a counter reading, which takes milliseconds on an H100; its value is from the middle. */
static void half_of_counter(void) {
    unsigned count = __atomic_load_n(&readings, __ATOMIC_RELAXED);
    double ms = setting(count % 50 ? "FAKE_NVML_COUNTER_MS" : "FAKE_NVML_COUNTER_WORST_MS", 0);
    struct timespec pause = {0, (long)(1e6 * ms / 2)};
    if (ms > 0) nanosleep(&pause, NULL);
}
Return nvmlDeviceGetTotalEnergyConsumption(Device device, unsigned long long *energy_mj) {
    Return status = reading(device);
    if (status != SUCCESS) return status;
    half_of_counter();
    status = millijoules(device->board, energy_mj);
    half_of_counter();
    return status;
}
Return nvmlDeviceGetFieldValues(Device device, int count, FieldValue *values) {
    Return status = reading(device);
    if (status != SUCCESS) return status;
    for (FieldValue *one = values; one < values + count; one++) {
        int average = one->field == FI_POWER_AVERAGE;
        one->time_us = (long long)(now_s() * 1e6);
        one->status = NOT_SUPPORTED;
        if (one->field == FI_TOTAL_ENERGY) {
            one->type = TYPE_ULONGLONG;
            one->status = millijoules(device->board, &one->value.ull);
        } else if ((average && !(setting("FAKE_NVML_NO_AVERAGE", 0) > 0)) ||
                   (one->field == FI_POWER_INSTANT && !(setting("FAKE_NVML_NO_INSTANT", 0) > 0))) {
            one->type = TYPE_UINT;
            one->value.ui = milliwatts(device->board, average);
            one->status = SUCCESS;
        }
    }
    return SUCCESS;
}
#endif
/* Power limits: from FAKE_NVML_LOWEST_LIMIT_W to FAKE_NVML_LIMIT_W, which is also the default. */
static Return default_limit(Device device, unsigned *limit_mw) {
    *limit_mw = (unsigned)(1000 * setting("FAKE_NVML_LIMIT_W", 450));
    return state(device);
}
static Return limit(Device device, unsigned *limit_mw) {
    Return status = default_limit(device, limit_mw);
    double set_w = status == SUCCESS ? set_limit_w(device->board, now_s()) : HUGE_VAL;
    if (set_w < HUGE_VAL) *limit_mw = (unsigned)lround(1000 * set_w);
    return status;
}
Return nvmlDeviceGetEnforcedPowerLimit(Device device, unsigned *mw) { return limit(device, mw); }
Return nvmlDeviceGetPowerManagementLimit(Device device, unsigned *mw) { return limit(device, mw); }
Return nvmlDeviceGetPowerManagementDefaultLimit(Device device, unsigned *mw) {
    return default_limit(device, mw);
}
Return nvmlDeviceGetPowerManagementLimitConstraints(Device device, unsigned *low, unsigned *high) {
    *low = (unsigned)(1000 * setting("FAKE_NVML_LOWEST_LIMIT_W", 100));
    return default_limit(device, high);
}
Return nvmlDeviceSetPowerManagementLimit(Device device, unsigned limit_mw) {
    unsigned low, high, now;
    Return status = nvmlDeviceGetPowerManagementLimitConstraints(device, &low, &high);
    Return refused = (Return)setting("FAKE_NVML_SET_LIMIT_CODE", 0);
    if (status != SUCCESS || refused != SUCCESS) return status != SUCCESS ? status : refused;
    if (device->slice >= 0) return NOT_SUPPORTED;
    if (limit_mw < low || limit_mw > high) return INVALID_ARGUMENT;
    if (limit(device, &now) == SUCCESS && now == limit_mw) return SUCCESS;
    return set_limit(device->board, limit_mw / 1000.0) ? SUCCESS : NOT_SUPPORTED;
}
Return nvmlDeviceGetPowerManagementMode(Device device, unsigned *mode) {
    *mode = 1;
    return state(device);
}

/* ---- other properties of a board ---- */

static double load(Device device) {
    double x = periods(device->board, now_s());
    return fraction(x - floor(x));
}
Return nvmlDeviceGetTemperature(Device device, unsigned sensor, unsigned *celsius) {
    (void)sensor;
    Return status = state(device);
    if (status == SUCCESS) *celsius = (unsigned)(40 + 35 * load(device));
    return status;
}
Return nvmlDeviceGetTemperatureV(Device device, Temperature *temperature) {
    return nvmlDeviceGetTemperature(device, temperature->sensor, (unsigned *)&temperature->celsius);
}
Return nvmlDeviceGetClockInfo(Device device, unsigned type, unsigned *mhz) {
    (void)type;
    Return status = state(device);
    if (status == SUCCESS) *mhz = (unsigned)(300 + 2200 * load(device));
    return status;
}
Return nvmlDeviceGetMaxClockInfo(Device device, unsigned type, unsigned *mhz) {
    (void)type;
    *mhz = 2500;
    return state(device);
}
Return nvmlDeviceGetUtilizationRates(Device device, Utilization *rates) {
    Return status = state(device);
    if (status == SUCCESS) rates->gpu = (unsigned)(100 * load(device));
    if (status == SUCCESS) rates->memory = rates->gpu / 2;
    return status;
}
Return nvmlDeviceGetCurrentClocksThrottleReasons(Device device, unsigned long long *reasons) {
    *reasons = 0;
    return state(device);
}
Return nvmlDeviceGetCurrentClocksEventReasons(Device device, unsigned long long *reasons) {
    *reasons = 0;
    return state(device);
}
Return nvmlDeviceGetMemoryInfo(Device device, Memory *memory) {
    memory->total = 48ULL << 30;
    memory->used = 1ULL << 30;
    memory->free = memory->total - memory->used;
    return state(device);
}
Return nvmlDeviceGetMemoryInfo_v2(Device device, MemoryV2 *memory) {
    Memory plain;
    Return status = nvmlDeviceGetMemoryInfo(device, &plain);
    memory->total = plain.total;
    memory->used = plain.used;
    memory->free = plain.free;
    memory->reserved = 0;
    return status;
}
Return nvmlDeviceGetCudaComputeCapability(Device device, int *major, int *minor) {
    *major = 8;
    *minor = 9;
    return state(device);
}
/* Properties that trackers read and that never change: architecture Ada, brand RTX, P0, and so on. */
#define ALWAYS(call, number)                                                                      \
    Return call(Device device, unsigned *value) {                                                 \
        *value = number;                                                                          \
        return state(device);                                                                     \
    }
ALWAYS(nvmlDeviceGetArchitecture, 8)
ALWAYS(nvmlDeviceGetBrand, 13)
ALWAYS(nvmlDeviceGetPerformanceState, 0)
ALWAYS(nvmlDeviceGetPersistenceMode, 1)
ALWAYS(nvmlDeviceGetComputeMode, 0)
ALWAYS(nvmlDeviceGetMinorNumber, (unsigned)device->board)

/* No process runs on any board. */
#define NO_PROCESSES(call)                                                                        \
    Return call(Device device, unsigned *count, void *processes) {                                \
        (void)processes;                                                                          \
        *count = 0;                                                                               \
        return state(device);                                                                     \
    }
NO_PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2)
NO_PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3)
NO_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2)
NO_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3)
