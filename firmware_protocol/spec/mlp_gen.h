/* MLP/1 for C. Generated from mlp.toml by python -m firmware_protocol.generate; do not edit.
 *
 * mlp_x_pack writes a payload of at most `room` bytes and stores its length, which may be 0, in *n;
 * mlp_x_unpack reads a payload of n bytes. Both return MLP_ERROR_CODE_OK, or why not: LEN when the
 * payload is short or its tail is not whole elements, RANGE when a field is out of range (an answer
 * has ranges only while its status is OK), TOO_BIG when it does not fit. Then *n is 0, and what is
 * in the struct means nothing.
 *
 * A tail stays in the buffer: the struct points at it, and counts it in bytes. An answer whose
 * status is not OK may be short: its other fields read as zero. The host clears bit 15 of status
 * (repeated from the cache) first. Strings are not terminated when they fill their field. A payload
 * may be longer than its fields; what follows them is ignored. */
#ifndef MLP_GEN_H
#define MLP_GEN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void mlp_put(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint64_t mlp_get(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

#define MLP_SPEC_HASH 0x046004D2842715DBULL
#define MLP_MAJOR 1u
#define MLP_MINOR 2u
#define MLP_MAGIC "MLB1"
#define MLP_MAX_PAYLOAD 2048u
#define MLP_ROWS 128u
#define MLP_COLUMNS 64u
#define MLP_REQUEST_WINDOW 8u
#define MLP_REPLAY_CACHE 16u
#define MLP_JOURNAL_RECORDS 64u
#define MLP_CREDIT_FRAMES 4u
#define MLP_LAST_OPERATION 4294901759u
#define MLP_OPERATION_STEP 2147483648u
#define MLP_ID_HELLO 0x01u
#define MLP_HASH_HELLO 0x6F97930Au
#define MLP_ID_BYE 0x02u
#define MLP_HASH_BYE 0x96EF80E0u
#define MLP_ID_PING 0x03u
#define MLP_HASH_PING 0xEC7EC5F0u
#define MLP_ID_CREDIT 0x04u
#define MLP_HASH_CREDIT 0xA1212933u
#define MLP_ID_NAK 0x05u
#define MLP_HASH_NAK 0x3E1A80BAu
#define MLP_ID_GET_DICT 0x06u
#define MLP_HASH_GET_DICT 0x7F6AF774u
#define MLP_ID_SET_BAUD 0x07u
#define MLP_HASH_SET_BAUD 0x8EFB7FC1u
#define MLP_ID_ECHO 0x08u
#define MLP_HASH_ECHO 0x682D1BE4u
#define MLP_ID_SOURCE 0x09u
#define MLP_HASH_SOURCE 0x76A16842u
#define MLP_ID_SINK 0x0Au
#define MLP_HASH_SINK 0x1AA5F139u
#define MLP_ID_ESTOP 0x0Fu
#define MLP_HASH_ESTOP 0xB80E5F40u
#define MLP_ID_GET_INFO 0x10u
#define MLP_HASH_GET_INFO 0xAC31E9E2u
#define MLP_ID_GET_STATE 0x11u
#define MLP_HASH_GET_STATE 0x83772624u
#define MLP_ID_CLEAR_FAULT 0x12u
#define MLP_HASH_CLEAR_FAULT 0xBBA33A97u
#define MLP_ID_GET_COUNTERS 0x13u
#define MLP_HASH_GET_COUNTERS 0xF57F0B8Bu
#define MLP_ID_READ_JOURNAL 0x14u
#define MLP_HASH_READ_JOURNAL 0xF9022CDDu
#define MLP_ID_GET_LIMITS 0x15u
#define MLP_HASH_GET_LIMITS 0x6140D992u
#define MLP_ID_GET_DRIVERS 0x16u
#define MLP_HASH_GET_DRIVERS 0xA07B90D9u
#define MLP_ID_GET_HISTORY 0x17u
#define MLP_HASH_GET_HISTORY 0xC9464C7Fu
#define MLP_ID_CFG_BEGIN 0x20u
#define MLP_HASH_CFG_BEGIN 0x3A46C3F1u
#define MLP_ID_CFG_SPAN 0x21u
#define MLP_HASH_CFG_SPAN 0x10DFE450u
#define MLP_ID_CFG_LIMIT 0x22u
#define MLP_HASH_CFG_LIMIT 0x814ADCF5u
#define MLP_ID_CFG_TIMING 0x23u
#define MLP_HASH_CFG_TIMING 0x1A1BA29Cu
#define MLP_ID_CFG_COMMIT 0x24u
#define MLP_HASH_CFG_COMMIT 0xB377FFA1u
#define MLP_ID_CFG_LEVELS 0x25u
#define MLP_HASH_CFG_LEVELS 0xBD663700u
#define MLP_ID_ARM 0x28u
#define MLP_HASH_ARM 0xC35DBAB6u
#define MLP_ID_DISARM 0x29u
#define MLP_HASH_DISARM 0x4DD271D0u
#define MLP_ID_RENEW 0x2Au
#define MLP_HASH_RENEW 0xEB0A17ADu
#define MLP_ID_DAC_WRITE 0x30u
#define MLP_HASH_DAC_WRITE 0x1B15C0D1u
#define MLP_ID_GAINS 0x31u
#define MLP_HASH_GAINS 0x747574A6u
#define MLP_ID_ADC_READ 0x32u
#define MLP_HASH_ADC_READ 0xFCBE57C0u
#define MLP_ID_GROUND_ALL 0x33u
#define MLP_HASH_GROUND_ALL 0xC823CBD2u
#define MLP_ID_READ_ARRAY 0x40u
#define MLP_HASH_READ_ARRAY 0x251814CBu
#define MLP_ID_READ_DATA 0x41u
#define MLP_HASH_READ_DATA 0x387688B8u
#define MLP_ID_READ_END 0x42u
#define MLP_HASH_READ_END 0x966292C9u
#define MLP_ID_PULSE 0x50u
#define MLP_HASH_PULSE 0x677CD406u
#define MLP_ID_JOB_BEGIN 0x51u
#define MLP_HASH_JOB_BEGIN 0x6F31120Au
#define MLP_ID_JOB_DATA 0x52u
#define MLP_HASH_JOB_DATA 0xAFE08434u
#define MLP_ID_JOB_RUN 0x53u
#define MLP_HASH_JOB_RUN 0x8B59D9CAu
#define MLP_ID_PROGRESS 0x54u
#define MLP_HASH_PROGRESS 0x3BC10C7Cu
#define MLP_ID_VERIFY_DATA 0x55u
#define MLP_HASH_VERIFY_DATA 0x12D7CCC6u
#define MLP_ID_JOB_STATUS 0x56u
#define MLP_HASH_JOB_STATUS 0x2FFA3A32u
#define MLP_ID_JOB_ABORT 0x57u
#define MLP_HASH_JOB_ABORT 0xD1972083u
#define MLP_ID_PULSE_ROW 0x58u
#define MLP_HASH_PULSE_ROW 0x26B4207Au
#define MLP_ID_VMM_BEGIN 0x60u
#define MLP_HASH_VMM_BEGIN 0x3C1CF175u
#define MLP_ID_VMM_LUT 0x61u
#define MLP_HASH_VMM_LUT 0x5D08DF1Eu
#define MLP_ID_VMM_DATA 0x62u
#define MLP_HASH_VMM_DATA 0x8D9E639Cu
#define MLP_ID_VMM_RESULT 0x63u
#define MLP_HASH_VMM_RESULT 0xBC9D0809u
#define MLP_ID_VMM_END 0x64u
#define MLP_HASH_VMM_END 0xCB4DF95Cu
#define MLP_ID_VMM_ABORT 0x65u
#define MLP_HASH_VMM_ABORT 0x4D5AD430u
#define MLP_ID_DBG_UNLOCK 0x70u
#define MLP_HASH_DBG_UNLOCK 0x4CE1437Au
#define MLP_ID_SPI_XFER 0x71u
#define MLP_HASH_SPI_XFER 0x72B97302u
#define MLP_ID_ADC_CR 0x72u
#define MLP_HASH_ADC_CR 0x3D819C14u
#define MLP_ID_ADC_RAW 0x73u
#define MLP_HASH_ADC_RAW 0x943625EBu
#define MLP_ID_GPIO_GET 0x74u
#define MLP_HASH_GPIO_GET 0xF0B3137Cu
#define MLP_ID_GPIO_SET 0x75u
#define MLP_HASH_GPIO_SET 0xE493A436u
#define MLP_ID_SHADOW 0x76u
#define MLP_HASH_SHADOW 0x3120B699u
#define MLP_ID_LOG 0x78u
#define MLP_HASH_LOG 0xF6A60AE8u
#define MLP_ID_FAULT 0x79u
#define MLP_HASH_FAULT 0xB99C8DBFu
#define MLP_ID_STATE 0x7Au
#define MLP_HASH_STATE 0x5E46931Du

/* Low nibble of the first header byte. */
typedef enum {
    MLP_KIND_REQ = 0,
    MLP_KIND_RSP = 1,
    MLP_KIND_DOWN = 2,
    MLP_KIND_UP = 3,
    MLP_KIND_EVT = 4,
    MLP_KIND_LINK = 5,
} mlp_kind_t;

/* Firmware states; BOOT is never seen on the wire. */
typedef enum {
    MLP_STATE_BOOT = 0,
    MLP_STATE_SAFE = 1,
    MLP_STATE_LINKED = 2,
    MLP_STATE_READY = 3,
    MLP_STATE_ARMED = 4,
    MLP_STATE_BUSY_READ = 5,
    MLP_STATE_BUSY_VMM = 6,
    MLP_STATE_BUSY_JOB = 7,
    MLP_STATE_FAULT = 8,
    MLP_STATE_DEBUG = 9,
} mlp_state_t;

/* Status of a response, reason of a NAK, err of a journal record, and latched fault. */
typedef enum {
    MLP_ERROR_CODE_OK = 0,
    MLP_ERROR_CODE_LEN = 1,
    MLP_ERROR_CODE_UNKNOWN_MSG = 2,
    MLP_ERROR_CODE_SESSION = 3,
    MLP_ERROR_CODE_GAP = 4,
    MLP_ERROR_CODE_STALE = 5,
    MLP_ERROR_CODE_BUSY = 6,
    MLP_ERROR_CODE_CREDIT = 7,
    MLP_ERROR_CODE_VERSION = 8,
    MLP_ERROR_CODE_BAD_FRAME = 9,
    MLP_ERROR_CODE_RANGE = 16,
    MLP_ERROR_CODE_LIMIT = 17,
    MLP_ERROR_CODE_FORMAT = 18,
    MLP_ERROR_CODE_CRC = 19,
    MLP_ERROR_CODE_TOO_BIG = 20,
    MLP_ERROR_CODE_WRONG_STATE = 32,
    MLP_ERROR_CODE_NOT_CONFIGURED = 33,
    MLP_ERROR_CODE_CONFIG_CRC = 34,
    MLP_ERROR_CODE_FAULT_LATCHED = 35,
    MLP_ERROR_CODE_LOCKED = 36,
    MLP_ERROR_CODE_OP_REUSED = 37,
    MLP_ERROR_CODE_OP_UNKNOWN = 38,
    MLP_ERROR_CODE_LEASE = 39,
    MLP_ERROR_CODE_ESTOP = 48,
    MLP_ERROR_CODE_HOST_LOST = 49,
    MLP_ERROR_CODE_SPI_ECHO = 50,
    MLP_ERROR_CODE_ADC_TIMEOUT = 51,
    MLP_ERROR_CODE_SATURATED = 52,
    MLP_ERROR_CODE_SUPPLY = 53,
    MLP_ERROR_CODE_OVERRUN = 54,
    MLP_ERROR_CODE_ABORTED = 55,
    MLP_ERROR_CODE_INTERNAL = 255,
} mlp_error_code_t;

/* Phases of an operation; UNKNOWN answers a question about one never seen. */
typedef enum {
    MLP_PHASE_UNKNOWN = 0,
    MLP_PHASE_ACCEPTED = 1,
    MLP_PHASE_FIRING = 2,
    MLP_PHASE_DONE = 3,
    MLP_PHASE_ABORTED = 4,
    MLP_PHASE_STAGED = 5,
} mlp_phase_t;

/* Stream numbers in CREDIT. */
typedef enum {
    MLP_STREAM_READ_DATA = 1,
    MLP_STREAM_JOB_DATA = 2,
    MLP_STREAM_VMM_DATA = 3,
    MLP_STREAM_VMM_RESULT = 4,
} mlp_stream_t;

/* Flags of CREDIT. */
typedef enum {
    MLP_CREDIT_FLAG_NONE = 0,
    MLP_CREDIT_FLAG_GO_BACK = 1,
} mlp_credit_flag_t;

/* Kind of a programming pulse. SET drives the columns, RESET the row; SLOW is added to either. */
typedef enum {
    MLP_PULSE_KIND_SET = 0,
    MLP_PULSE_KIND_RESET = 1,
    MLP_PULSE_KIND_SLOW = 128,
} mlp_pulse_kind_t;

/* Classes of driven lines. */
typedef enum {
    MLP_LINE_ROW = 0,
    MLP_LINE_COLUMN = 1,
    MLP_LINE_GATE = 2,
} mlp_line_t;

/* What a voltage is for. */
typedef enum {
    MLP_LIMIT_MODE_READ = 0,
    MLP_LIMIT_MODE_SET = 1,
    MLP_LIMIT_MODE_RESET = 2,
} mlp_limit_mode_t;

/* Detail of a refusal with LIMIT: what was beyond its limit. */
typedef enum {
    MLP_LIMIT_DETAIL_ROW = 0,
    MLP_LIMIT_DETAIL_COLUMN = 1,
    MLP_LIMIT_DETAIL_GATE = 2,
    MLP_LIMIT_DETAIL_WIDTH = 3,
    MLP_LIMIT_DETAIL_COUNT = 4,
    MLP_LIMIT_DETAIL_PAUSE = 5,
} mlp_limit_detail_t;

/* 0..3 hold gain 1..4 for all columns; AUTO lets the board choose, 2 bits per sample more. */
typedef enum {
    MLP_GAIN_MODE_GAIN1 = 0,
    MLP_GAIN_MODE_GAIN2 = 1,
    MLP_GAIN_MODE_GAIN3 = 2,
    MLP_GAIN_MODE_GAIN4 = 3,
    MLP_GAIN_MODE_AUTO = 4,
} mlp_gain_mode_t;

/* Bits of one element of a VMM vector: a table index (1, 4, 8 bits) or a DAC code. */
typedef enum {
    MLP_INPUT_FORMAT_BIT1 = 0,
    MLP_INPUT_FORMAT_BIT4 = 1,
    MLP_INPUT_FORMAT_BIT8 = 2,
    MLP_INPUT_FORMAT_U16 = 3,
} mlp_input_format_t;

/* What one entry of a job is: one cell (10 B) or one row-parallel pulse (142 B). */
typedef enum {
    MLP_JOB_FORMAT_CELL = 0,
    MLP_JOB_FORMAT_ROW = 1,
} mlp_job_format_t;

/* Flags of HELLO. */
typedef enum {
    MLP_HELLO_FLAG_NONE = 0,
    MLP_HELLO_FLAG_TAKEOVER = 1,
} mlp_hello_flag_t;

#define MLP_DICT_ENTRY_SIZE 6u /* without a tail */
typedef struct mlp_dict_entry {
    uint8_t id;
    uint8_t klass;
    uint32_t hash;
} mlp_dict_entry;
static inline int mlp_dict_entry_pack(const mlp_dict_entry *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 6u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->id, 1);
    mlp_put(p + 1, (uint64_t)m->klass, 1);
    mlp_put(p + 2, (uint64_t)m->hash, 4);
    *n = 6u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_dict_entry_unpack(mlp_dict_entry *m, const uint8_t *p, size_t n)
{
    if (n < 6u)
        return MLP_ERROR_CODE_LEN;
    m->id = (uint8_t)mlp_get(p + 0, 1);
    m->klass = (uint8_t)mlp_get(p + 1, 1);
    m->hash = (uint32_t)mlp_get(p + 2, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_JOURNAL_RECORD_SIZE 20u /* without a tail */
typedef struct mlp_journal_record {
    uint32_t op;
    uint8_t phase;
    uint8_t err;
    uint16_t sess;
    uint32_t started;
    uint32_t done;
    uint32_t t_us;
} mlp_journal_record;
static inline int mlp_journal_record_pack(const mlp_journal_record *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 20u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    mlp_put(p + 4, (uint64_t)m->phase, 1);
    mlp_put(p + 5, (uint64_t)m->err, 1);
    mlp_put(p + 6, (uint64_t)m->sess, 2);
    mlp_put(p + 8, (uint64_t)m->started, 4);
    mlp_put(p + 12, (uint64_t)m->done, 4);
    mlp_put(p + 16, (uint64_t)m->t_us, 4);
    *n = 20u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_journal_record_unpack(mlp_journal_record *m, const uint8_t *p, size_t n)
{
    if (n < 20u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    m->phase = (uint8_t)mlp_get(p + 4, 1);
    m->err = (uint8_t)mlp_get(p + 5, 1);
    m->sess = (uint16_t)mlp_get(p + 6, 2);
    m->started = (uint32_t)mlp_get(p + 8, 4);
    m->done = (uint32_t)mlp_get(p + 12, 4);
    m->t_us = (uint32_t)mlp_get(p + 16, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CELL_PULSE_SIZE 10u /* without a tail */
typedef struct mlp_cell_pulse {
    uint8_t row;
    uint8_t col;
    uint8_t kind;
    uint8_t count;
    uint16_t amp;
    uint16_t gate;
    uint16_t width;
} mlp_cell_pulse;
static inline int mlp_cell_pulse_pack(const mlp_cell_pulse *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 10u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->row, 1);
    mlp_put(p + 1, (uint64_t)m->col, 1);
    mlp_put(p + 2, (uint64_t)m->kind, 1);
    mlp_put(p + 3, (uint64_t)m->count, 1);
    mlp_put(p + 4, (uint64_t)m->amp, 2);
    mlp_put(p + 6, (uint64_t)m->gate, 2);
    mlp_put(p + 8, (uint64_t)m->width, 2);
    *n = 10u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cell_pulse_unpack(mlp_cell_pulse *m, const uint8_t *p, size_t n)
{
    if (n < 10u)
        return MLP_ERROR_CODE_LEN;
    m->row = (uint8_t)mlp_get(p + 0, 1);
    m->col = (uint8_t)mlp_get(p + 1, 1);
    m->kind = (uint8_t)mlp_get(p + 2, 1);
    m->count = (uint8_t)mlp_get(p + 3, 1);
    m->amp = (uint16_t)mlp_get(p + 4, 2);
    m->gate = (uint16_t)mlp_get(p + 6, 2);
    m->width = (uint16_t)mlp_get(p + 8, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_ROW_PULSE_SIZE 142u /* without a tail */
typedef struct mlp_row_pulse {
    uint8_t row;
    uint8_t kind;
    uint16_t amp;
    uint16_t width;
    uint64_t cols;
    uint16_t gate[64];
} mlp_row_pulse;
static inline int mlp_row_pulse_pack(const mlp_row_pulse *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 142u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->row, 1);
    mlp_put(p + 1, (uint64_t)m->kind, 1);
    mlp_put(p + 2, (uint64_t)m->amp, 2);
    mlp_put(p + 4, (uint64_t)m->width, 2);
    mlp_put(p + 6, (uint64_t)m->cols, 8);
    for (unsigned i = 0; i < 64; i++)
        mlp_put(p + 14 + 2 * i, (uint64_t)m->gate[i], 2);
    *n = 142u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_row_pulse_unpack(mlp_row_pulse *m, const uint8_t *p, size_t n)
{
    if (n < 142u)
        return MLP_ERROR_CODE_LEN;
    m->row = (uint8_t)mlp_get(p + 0, 1);
    m->kind = (uint8_t)mlp_get(p + 1, 1);
    m->amp = (uint16_t)mlp_get(p + 2, 2);
    m->width = (uint16_t)mlp_get(p + 4, 2);
    m->cols = (uint64_t)mlp_get(p + 6, 8);
    for (unsigned i = 0; i < 64; i++)
        m->gate[i] = (uint16_t)mlp_get(p + 14 + 2 * i, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_HELLO_SIZE 28u /* without a tail */
typedef struct mlp_hello {
    char magic[4];
    uint8_t major;
    uint8_t minor;
    uint16_t flags;
    uint64_t nonce;
    uint64_t spec_hash;
    uint16_t max_payload;
    uint16_t host_credit;
} mlp_hello;
static inline int mlp_hello_pack(const mlp_hello *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 28u)
        return MLP_ERROR_CODE_TOO_BIG;
    for (unsigned i = 0; i < 4; i++)
        mlp_put(p + 0 + 1 * i, (uint64_t)m->magic[i], 1);
    mlp_put(p + 4, (uint64_t)m->major, 1);
    mlp_put(p + 5, (uint64_t)m->minor, 1);
    mlp_put(p + 6, (uint64_t)m->flags, 2);
    mlp_put(p + 8, (uint64_t)m->nonce, 8);
    mlp_put(p + 16, (uint64_t)m->spec_hash, 8);
    mlp_put(p + 24, (uint64_t)m->max_payload, 2);
    mlp_put(p + 26, (uint64_t)m->host_credit, 2);
    *n = 28u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_hello_unpack(mlp_hello *m, const uint8_t *p, size_t n)
{
    if (n < 28u)
        return MLP_ERROR_CODE_LEN;
    for (unsigned i = 0; i < 4; i++)
        m->magic[i] = (char)mlp_get(p + 0 + 1 * i, 1);
    m->major = (uint8_t)mlp_get(p + 4, 1);
    m->minor = (uint8_t)mlp_get(p + 5, 1);
    m->flags = (uint16_t)mlp_get(p + 6, 2);
    m->nonce = (uint64_t)mlp_get(p + 8, 8);
    m->spec_hash = (uint64_t)mlp_get(p + 16, 8);
    m->max_payload = (uint16_t)mlp_get(p + 24, 2);
    m->host_credit = (uint16_t)mlp_get(p + 26, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_HELLO_RSP_SIZE 64u /* without a tail */
typedef struct mlp_hello_rsp {
    char magic[4];
    uint8_t major;
    uint8_t minor;
    uint16_t sess;
    uint64_t nonce;
    uint64_t spec_hash;
    uint32_t boot_id;
    uint32_t op_hw;
    uint16_t max_payload;
    uint16_t rx_credit;
    uint32_t tx_ring;
    uint32_t caps;
    uint8_t fw[4];
    uint8_t uid[12];
    uint8_t state;
    uint8_t fault;
    uint8_t journal_n;
    uint8_t reserved;
} mlp_hello_rsp;
static inline int mlp_hello_rsp_pack(const mlp_hello_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->sess < 1)
        return MLP_ERROR_CODE_RANGE;
    if (m->max_payload < 64 || m->max_payload > 2048)
        return MLP_ERROR_CODE_RANGE;
    if (room < 64u)
        return MLP_ERROR_CODE_TOO_BIG;
    for (unsigned i = 0; i < 4; i++)
        mlp_put(p + 0 + 1 * i, (uint64_t)m->magic[i], 1);
    mlp_put(p + 4, (uint64_t)m->major, 1);
    mlp_put(p + 5, (uint64_t)m->minor, 1);
    mlp_put(p + 6, (uint64_t)m->sess, 2);
    mlp_put(p + 8, (uint64_t)m->nonce, 8);
    mlp_put(p + 16, (uint64_t)m->spec_hash, 8);
    mlp_put(p + 24, (uint64_t)m->boot_id, 4);
    mlp_put(p + 28, (uint64_t)m->op_hw, 4);
    mlp_put(p + 32, (uint64_t)m->max_payload, 2);
    mlp_put(p + 34, (uint64_t)m->rx_credit, 2);
    mlp_put(p + 36, (uint64_t)m->tx_ring, 4);
    mlp_put(p + 40, (uint64_t)m->caps, 4);
    for (unsigned i = 0; i < 4; i++)
        mlp_put(p + 44 + 1 * i, (uint64_t)m->fw[i], 1);
    for (unsigned i = 0; i < 12; i++)
        mlp_put(p + 48 + 1 * i, (uint64_t)m->uid[i], 1);
    mlp_put(p + 60, (uint64_t)m->state, 1);
    mlp_put(p + 61, (uint64_t)m->fault, 1);
    mlp_put(p + 62, (uint64_t)m->journal_n, 1);
    mlp_put(p + 63, (uint64_t)m->reserved, 1);
    *n = 64u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_hello_rsp_unpack(mlp_hello_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 64u)
        return MLP_ERROR_CODE_LEN;
    for (unsigned i = 0; i < 4; i++)
        m->magic[i] = (char)mlp_get(p + 0 + 1 * i, 1);
    m->major = (uint8_t)mlp_get(p + 4, 1);
    m->minor = (uint8_t)mlp_get(p + 5, 1);
    m->sess = (uint16_t)mlp_get(p + 6, 2);
    if (m->sess < 1)
        return MLP_ERROR_CODE_RANGE;
    m->nonce = (uint64_t)mlp_get(p + 8, 8);
    m->spec_hash = (uint64_t)mlp_get(p + 16, 8);
    m->boot_id = (uint32_t)mlp_get(p + 24, 4);
    m->op_hw = (uint32_t)mlp_get(p + 28, 4);
    m->max_payload = (uint16_t)mlp_get(p + 32, 2);
    if (m->max_payload < 64 || m->max_payload > 2048)
        return MLP_ERROR_CODE_RANGE;
    m->rx_credit = (uint16_t)mlp_get(p + 34, 2);
    m->tx_ring = (uint32_t)mlp_get(p + 36, 4);
    m->caps = (uint32_t)mlp_get(p + 40, 4);
    for (unsigned i = 0; i < 4; i++)
        m->fw[i] = (uint8_t)mlp_get(p + 44 + 1 * i, 1);
    for (unsigned i = 0; i < 12; i++)
        m->uid[i] = (uint8_t)mlp_get(p + 48 + 1 * i, 1);
    m->state = (uint8_t)mlp_get(p + 60, 1);
    m->fault = (uint8_t)mlp_get(p + 61, 1);
    m->journal_n = (uint8_t)mlp_get(p + 62, 1);
    m->reserved = (uint8_t)mlp_get(p + 63, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_BYE_SIZE 0u /* without a tail */

#define MLP_BYE_RSP_SIZE 5u /* without a tail */
typedef struct mlp_bye_rsp {
    uint16_t status;
    uint16_t detail;
    uint8_t state;
} mlp_bye_rsp;
static inline int mlp_bye_rsp_pack(const mlp_bye_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 5u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->state, 1);
    *n = 5u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_bye_rsp_unpack(mlp_bye_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[5];
    if (n >= 4u && (p[0] || p[1]) && (n < 5u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 5u ? n : 4u);
        p = refusal;
        n = 5u;
    }
    if (n < 5u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->state = (uint8_t)mlp_get(p + 4, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_PING_SIZE 4u /* without a tail */
typedef struct mlp_ping {
    uint32_t token;
} mlp_ping;
static inline int mlp_ping_pack(const mlp_ping *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->token, 4);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_ping_unpack(mlp_ping *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->token = (uint32_t)mlp_get(p + 0, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_PING_RSP_SIZE 22u /* without a tail */
typedef struct mlp_ping_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t token;
    uint64_t mcu_us;
    uint8_t state;
    uint8_t fault;
    uint32_t busy_op;
} mlp_ping_rsp;
static inline int mlp_ping_rsp_pack(const mlp_ping_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 22u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->token, 4);
    mlp_put(p + 8, (uint64_t)m->mcu_us, 8);
    mlp_put(p + 16, (uint64_t)m->state, 1);
    mlp_put(p + 17, (uint64_t)m->fault, 1);
    mlp_put(p + 18, (uint64_t)m->busy_op, 4);
    *n = 22u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_ping_rsp_unpack(mlp_ping_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[22];
    if (n >= 4u && (p[0] || p[1]) && (n < 22u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 22u ? n : 4u);
        p = refusal;
        n = 22u;
    }
    if (n < 22u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->token = (uint32_t)mlp_get(p + 4, 4);
    m->mcu_us = (uint64_t)mlp_get(p + 8, 8);
    m->state = (uint8_t)mlp_get(p + 16, 1);
    m->fault = (uint8_t)mlp_get(p + 17, 1);
    m->busy_op = (uint32_t)mlp_get(p + 18, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CREDIT_SIZE 12u /* without a tail */
typedef struct mlp_credit {
    uint8_t stream;
    uint8_t flags;
    uint16_t op_lo;
    uint32_t next;
    uint32_t window;
} mlp_credit;
static inline int mlp_credit_pack(const mlp_credit *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 12u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->stream, 1);
    mlp_put(p + 1, (uint64_t)m->flags, 1);
    mlp_put(p + 2, (uint64_t)m->op_lo, 2);
    mlp_put(p + 4, (uint64_t)m->next, 4);
    mlp_put(p + 8, (uint64_t)m->window, 4);
    *n = 12u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_credit_unpack(mlp_credit *m, const uint8_t *p, size_t n)
{
    if (n < 12u)
        return MLP_ERROR_CODE_LEN;
    m->stream = (uint8_t)mlp_get(p + 0, 1);
    m->flags = (uint8_t)mlp_get(p + 1, 1);
    m->op_lo = (uint16_t)mlp_get(p + 2, 2);
    m->next = (uint32_t)mlp_get(p + 4, 4);
    m->window = (uint32_t)mlp_get(p + 8, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_NAK_SIZE 8u /* without a tail */
typedef struct mlp_nak {
    uint16_t reason;
    uint16_t expected;
    uint32_t detail;
} mlp_nak;
static inline int mlp_nak_pack(const mlp_nak *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->reason, 2);
    mlp_put(p + 2, (uint64_t)m->expected, 2);
    mlp_put(p + 4, (uint64_t)m->detail, 4);
    *n = 8u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_nak_unpack(mlp_nak *m, const uint8_t *p, size_t n)
{
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->reason = (uint16_t)mlp_get(p + 0, 2);
    m->expected = (uint16_t)mlp_get(p + 2, 2);
    m->detail = (uint32_t)mlp_get(p + 4, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_GET_DICT_SIZE 1u /* without a tail */
typedef struct mlp_get_dict {
    uint8_t first;
} mlp_get_dict;
static inline int mlp_get_dict_pack(const mlp_get_dict *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 1u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->first, 1);
    *n = 1u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_get_dict_unpack(mlp_get_dict *m, const uint8_t *p, size_t n)
{
    if (n < 1u)
        return MLP_ERROR_CODE_LEN;
    m->first = (uint8_t)mlp_get(p + 0, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_GET_DICT_RSP_SIZE 5u /* without a tail */
typedef struct mlp_get_dict_rsp {
    uint16_t status;
    uint16_t detail;
    uint8_t n;
    const uint8_t *entries;
    size_t entries_len; /* bytes; elements: DictEntry[] */
} mlp_get_dict_rsp;
static inline int mlp_get_dict_rsp_pack(const mlp_get_dict_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->entries_len % 6u)
        return MLP_ERROR_CODE_LEN;
    if (room < 5u || room - 5u < m->entries_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->n, 1);
    if (m->entries_len)
        memcpy(p + 5, m->entries, m->entries_len);
    *n = 5u + m->entries_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_get_dict_rsp_unpack(mlp_get_dict_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[5];
    if (n >= 4u && (p[0] || p[1]) && (n < 5u || (n - 5u) % 6u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 5u ? n : 4u);
        p = refusal;
        n = 5u;
    }
    if (n < 5u)
        return MLP_ERROR_CODE_LEN;
    if ((n - 5u) % 6u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->n = (uint8_t)mlp_get(p + 4, 1);
    m->entries = n > 5u ? p + 5 : NULL;
    m->entries_len = n - 5u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_SET_BAUD_SIZE 4u /* without a tail */
typedef struct mlp_set_baud {
    uint32_t baud;
} mlp_set_baud;
static inline int mlp_set_baud_pack(const mlp_set_baud *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->baud < 9600 || m->baud > 12000000)
        return MLP_ERROR_CODE_RANGE;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->baud, 4);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_set_baud_unpack(mlp_set_baud *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->baud = (uint32_t)mlp_get(p + 0, 4);
    if (m->baud < 9600 || m->baud > 12000000)
        return MLP_ERROR_CODE_RANGE;
    return MLP_ERROR_CODE_OK;
}

#define MLP_SET_BAUD_RSP_SIZE 8u /* without a tail */
typedef struct mlp_set_baud_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t actual;
} mlp_set_baud_rsp;
static inline int mlp_set_baud_rsp_pack(const mlp_set_baud_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->actual, 4);
    *n = 8u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_set_baud_rsp_unpack(mlp_set_baud_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[8];
    if (n >= 4u && (p[0] || p[1]) && (n < 8u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 8u ? n : 4u);
        p = refusal;
        n = 8u;
    }
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->actual = (uint32_t)mlp_get(p + 4, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_ECHO_SIZE 0u /* without a tail */
typedef struct mlp_echo {
    const uint8_t *data;
    size_t data_len; /* bytes; elements: u8[] */
} mlp_echo;
static inline int mlp_echo_pack(const mlp_echo *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < m->data_len)
        return MLP_ERROR_CODE_TOO_BIG;
    if (m->data_len)
        memcpy(p + 0, m->data, m->data_len);
    *n = 0u + m->data_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_echo_unpack(mlp_echo *m, const uint8_t *p, size_t n)
{
    m->data = n > 0u ? p + 0 : NULL;
    m->data_len = n - 0u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_ECHO_RSP_SIZE 4u /* without a tail */
typedef struct mlp_echo_rsp {
    uint16_t status;
    uint16_t detail;
    const uint8_t *data;
    size_t data_len; /* bytes; elements: u8[] */
} mlp_echo_rsp;
static inline int mlp_echo_rsp_pack(const mlp_echo_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u || room - 4u < m->data_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    if (m->data_len)
        memcpy(p + 4, m->data, m->data_len);
    *n = 4u + m->data_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_echo_rsp_unpack(mlp_echo_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->data = n > 4u ? p + 4 : NULL;
    m->data_len = n - 4u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_SOURCE_SIZE 4u /* without a tail */
typedef struct mlp_source {
    uint32_t n;
} mlp_source;
static inline int mlp_source_pack(const mlp_source *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->n, 4);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_source_unpack(mlp_source *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->n = (uint32_t)mlp_get(p + 0, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_SOURCE_RSP_SIZE 4u /* without a tail */
typedef struct mlp_source_rsp {
    uint16_t status;
    uint16_t detail;
    const uint8_t *data;
    size_t data_len; /* bytes; elements: u8[] */
} mlp_source_rsp;
static inline int mlp_source_rsp_pack(const mlp_source_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u || room - 4u < m->data_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    if (m->data_len)
        memcpy(p + 4, m->data, m->data_len);
    *n = 4u + m->data_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_source_rsp_unpack(mlp_source_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->data = n > 4u ? p + 4 : NULL;
    m->data_len = n - 4u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_SINK_SIZE 0u /* without a tail */
typedef struct mlp_sink {
    const uint8_t *data;
    size_t data_len; /* bytes; elements: u8[] */
} mlp_sink;
static inline int mlp_sink_pack(const mlp_sink *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < m->data_len)
        return MLP_ERROR_CODE_TOO_BIG;
    if (m->data_len)
        memcpy(p + 0, m->data, m->data_len);
    *n = 0u + m->data_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_sink_unpack(mlp_sink *m, const uint8_t *p, size_t n)
{
    m->data = n > 0u ? p + 0 : NULL;
    m->data_len = n - 0u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_SINK_RSP_SIZE 12u /* without a tail */
typedef struct mlp_sink_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t n;
    uint32_t crc;
} mlp_sink_rsp;
static inline int mlp_sink_rsp_pack(const mlp_sink_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 12u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->n, 4);
    mlp_put(p + 8, (uint64_t)m->crc, 4);
    *n = 12u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_sink_rsp_unpack(mlp_sink_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[12];
    if (n >= 4u && (p[0] || p[1]) && (n < 12u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 12u ? n : 4u);
        p = refusal;
        n = 12u;
    }
    if (n < 12u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->n = (uint32_t)mlp_get(p + 4, 4);
    m->crc = (uint32_t)mlp_get(p + 8, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_ESTOP_SIZE 0u /* without a tail */

#define MLP_GET_INFO_SIZE 0u /* without a tail */

#define MLP_GET_INFO_RSP_SIZE 200u /* without a tail */
typedef struct mlp_get_info_rsp {
    uint16_t status;
    uint16_t detail;
    uint16_t rows;
    uint16_t cols;
    uint16_t dac_count;
    uint16_t adc_count;
    uint16_t channel_map;
    uint8_t gain_count;
    uint8_t reserved;
    uint32_t transimpedance[4];
    uint32_t adc_span_mv;
    uint32_t clip_mv;
    uint32_t gain_threshold_mv;
    uint32_t pulse_offset_ps;
    uint32_t pulse_tick_ps;
    uint32_t timer_tick_ps;
    uint32_t max_job_cells;
    uint32_t max_job_rows;
    uint32_t config_crc;
    uint16_t hard_limits[18];
    char name[32];
    char serial[32];
    char firmware[32];
} mlp_get_info_rsp;
static inline int mlp_get_info_rsp_pack(const mlp_get_info_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->status == 0 && (m->rows < 1 || m->rows > 128))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->cols < 1 || m->cols > 64))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->gain_count < 1 || m->gain_count > 4))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->adc_span_mv < 1 || m->adc_span_mv > 100000))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->clip_mv < 1 || m->clip_mv > 100000))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->gain_threshold_mv < 1 || m->gain_threshold_mv > 100000))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->pulse_offset_ps > 1000000000))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->pulse_tick_ps < 1 || m->pulse_tick_ps > 1000000000))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->timer_tick_ps < 1 || m->timer_tick_ps > 1000000000))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->max_job_cells < 1 || m->max_job_cells > 1048576))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->max_job_rows < 1 || m->max_job_rows > 65536))
        return MLP_ERROR_CODE_RANGE;
    if (room < 200u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->rows, 2);
    mlp_put(p + 6, (uint64_t)m->cols, 2);
    mlp_put(p + 8, (uint64_t)m->dac_count, 2);
    mlp_put(p + 10, (uint64_t)m->adc_count, 2);
    mlp_put(p + 12, (uint64_t)m->channel_map, 2);
    mlp_put(p + 14, (uint64_t)m->gain_count, 1);
    mlp_put(p + 15, (uint64_t)m->reserved, 1);
    for (unsigned i = 0; i < 4; i++)
        mlp_put(p + 16 + 4 * i, (uint64_t)m->transimpedance[i], 4);
    mlp_put(p + 32, (uint64_t)m->adc_span_mv, 4);
    mlp_put(p + 36, (uint64_t)m->clip_mv, 4);
    mlp_put(p + 40, (uint64_t)m->gain_threshold_mv, 4);
    mlp_put(p + 44, (uint64_t)m->pulse_offset_ps, 4);
    mlp_put(p + 48, (uint64_t)m->pulse_tick_ps, 4);
    mlp_put(p + 52, (uint64_t)m->timer_tick_ps, 4);
    mlp_put(p + 56, (uint64_t)m->max_job_cells, 4);
    mlp_put(p + 60, (uint64_t)m->max_job_rows, 4);
    mlp_put(p + 64, (uint64_t)m->config_crc, 4);
    for (unsigned i = 0; i < 18; i++)
        mlp_put(p + 68 + 2 * i, (uint64_t)m->hard_limits[i], 2);
    for (unsigned i = 0; i < 32; i++)
        mlp_put(p + 104 + 1 * i, (uint64_t)m->name[i], 1);
    for (unsigned i = 0; i < 32; i++)
        mlp_put(p + 136 + 1 * i, (uint64_t)m->serial[i], 1);
    for (unsigned i = 0; i < 32; i++)
        mlp_put(p + 168 + 1 * i, (uint64_t)m->firmware[i], 1);
    *n = 200u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_get_info_rsp_unpack(mlp_get_info_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[200];
    if (n >= 4u && (p[0] || p[1]) && (n < 200u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 200u ? n : 4u);
        p = refusal;
        n = 200u;
    }
    if (n < 200u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->rows = (uint16_t)mlp_get(p + 4, 2);
    if (m->status == 0 && (m->rows < 1 || m->rows > 128))
        return MLP_ERROR_CODE_RANGE;
    m->cols = (uint16_t)mlp_get(p + 6, 2);
    if (m->status == 0 && (m->cols < 1 || m->cols > 64))
        return MLP_ERROR_CODE_RANGE;
    m->dac_count = (uint16_t)mlp_get(p + 8, 2);
    m->adc_count = (uint16_t)mlp_get(p + 10, 2);
    m->channel_map = (uint16_t)mlp_get(p + 12, 2);
    m->gain_count = (uint8_t)mlp_get(p + 14, 1);
    if (m->status == 0 && (m->gain_count < 1 || m->gain_count > 4))
        return MLP_ERROR_CODE_RANGE;
    m->reserved = (uint8_t)mlp_get(p + 15, 1);
    for (unsigned i = 0; i < 4; i++)
        m->transimpedance[i] = (uint32_t)mlp_get(p + 16 + 4 * i, 4);
    m->adc_span_mv = (uint32_t)mlp_get(p + 32, 4);
    if (m->status == 0 && (m->adc_span_mv < 1 || m->adc_span_mv > 100000))
        return MLP_ERROR_CODE_RANGE;
    m->clip_mv = (uint32_t)mlp_get(p + 36, 4);
    if (m->status == 0 && (m->clip_mv < 1 || m->clip_mv > 100000))
        return MLP_ERROR_CODE_RANGE;
    m->gain_threshold_mv = (uint32_t)mlp_get(p + 40, 4);
    if (m->status == 0 && (m->gain_threshold_mv < 1 || m->gain_threshold_mv > 100000))
        return MLP_ERROR_CODE_RANGE;
    m->pulse_offset_ps = (uint32_t)mlp_get(p + 44, 4);
    if (m->status == 0 && (m->pulse_offset_ps > 1000000000))
        return MLP_ERROR_CODE_RANGE;
    m->pulse_tick_ps = (uint32_t)mlp_get(p + 48, 4);
    if (m->status == 0 && (m->pulse_tick_ps < 1 || m->pulse_tick_ps > 1000000000))
        return MLP_ERROR_CODE_RANGE;
    m->timer_tick_ps = (uint32_t)mlp_get(p + 52, 4);
    if (m->status == 0 && (m->timer_tick_ps < 1 || m->timer_tick_ps > 1000000000))
        return MLP_ERROR_CODE_RANGE;
    m->max_job_cells = (uint32_t)mlp_get(p + 56, 4);
    if (m->status == 0 && (m->max_job_cells < 1 || m->max_job_cells > 1048576))
        return MLP_ERROR_CODE_RANGE;
    m->max_job_rows = (uint32_t)mlp_get(p + 60, 4);
    if (m->status == 0 && (m->max_job_rows < 1 || m->max_job_rows > 65536))
        return MLP_ERROR_CODE_RANGE;
    m->config_crc = (uint32_t)mlp_get(p + 64, 4);
    for (unsigned i = 0; i < 18; i++)
        m->hard_limits[i] = (uint16_t)mlp_get(p + 68 + 2 * i, 2);
    for (unsigned i = 0; i < 32; i++)
        m->name[i] = (char)mlp_get(p + 104 + 1 * i, 1);
    for (unsigned i = 0; i < 32; i++)
        m->serial[i] = (char)mlp_get(p + 136 + 1 * i, 1);
    for (unsigned i = 0; i < 32; i++)
        m->firmware[i] = (char)mlp_get(p + 168 + 1 * i, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_GET_STATE_SIZE 0u /* without a tail */

#define MLP_GET_STATE_RSP_SIZE 22u /* without a tail */
typedef struct mlp_get_state_rsp {
    uint16_t status;
    uint16_t detail;
    uint8_t state;
    uint8_t fault;
    uint32_t busy_op;
    uint32_t op_hw;
    uint32_t config_crc;
    uint32_t lease_left_ms;
} mlp_get_state_rsp;
static inline int mlp_get_state_rsp_pack(const mlp_get_state_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 22u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->state, 1);
    mlp_put(p + 5, (uint64_t)m->fault, 1);
    mlp_put(p + 6, (uint64_t)m->busy_op, 4);
    mlp_put(p + 10, (uint64_t)m->op_hw, 4);
    mlp_put(p + 14, (uint64_t)m->config_crc, 4);
    mlp_put(p + 18, (uint64_t)m->lease_left_ms, 4);
    *n = 22u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_get_state_rsp_unpack(mlp_get_state_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[22];
    if (n >= 4u && (p[0] || p[1]) && (n < 22u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 22u ? n : 4u);
        p = refusal;
        n = 22u;
    }
    if (n < 22u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->state = (uint8_t)mlp_get(p + 4, 1);
    m->fault = (uint8_t)mlp_get(p + 5, 1);
    m->busy_op = (uint32_t)mlp_get(p + 6, 4);
    m->op_hw = (uint32_t)mlp_get(p + 10, 4);
    m->config_crc = (uint32_t)mlp_get(p + 14, 4);
    m->lease_left_ms = (uint32_t)mlp_get(p + 18, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CLEAR_FAULT_SIZE 1u /* without a tail */
typedef struct mlp_clear_fault {
    uint8_t fault;
} mlp_clear_fault;
static inline int mlp_clear_fault_pack(const mlp_clear_fault *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 1u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->fault, 1);
    *n = 1u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_clear_fault_unpack(mlp_clear_fault *m, const uint8_t *p, size_t n)
{
    if (n < 1u)
        return MLP_ERROR_CODE_LEN;
    m->fault = (uint8_t)mlp_get(p + 0, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CLEAR_FAULT_RSP_SIZE 5u /* without a tail */
typedef struct mlp_clear_fault_rsp {
    uint16_t status;
    uint16_t detail;
    uint8_t state;
} mlp_clear_fault_rsp;
static inline int mlp_clear_fault_rsp_pack(const mlp_clear_fault_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 5u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->state, 1);
    *n = 5u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_clear_fault_rsp_unpack(mlp_clear_fault_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[5];
    if (n >= 4u && (p[0] || p[1]) && (n < 5u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 5u ? n : 4u);
        p = refusal;
        n = 5u;
    }
    if (n < 5u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->state = (uint8_t)mlp_get(p + 4, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_GET_COUNTERS_SIZE 0u /* without a tail */

#define MLP_GET_COUNTERS_RSP_SIZE 48u /* without a tail */
typedef struct mlp_get_counters_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t good;
    uint32_t crc;
    uint32_t cobs;
    uint32_t overlong;
    uint32_t length;
    uint32_t version;
    uint32_t dup;
    uint32_t gap;
    uint32_t replay;
    uint32_t session;
    uint32_t overrun;
} mlp_get_counters_rsp;
static inline int mlp_get_counters_rsp_pack(const mlp_get_counters_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 48u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->good, 4);
    mlp_put(p + 8, (uint64_t)m->crc, 4);
    mlp_put(p + 12, (uint64_t)m->cobs, 4);
    mlp_put(p + 16, (uint64_t)m->overlong, 4);
    mlp_put(p + 20, (uint64_t)m->length, 4);
    mlp_put(p + 24, (uint64_t)m->version, 4);
    mlp_put(p + 28, (uint64_t)m->dup, 4);
    mlp_put(p + 32, (uint64_t)m->gap, 4);
    mlp_put(p + 36, (uint64_t)m->replay, 4);
    mlp_put(p + 40, (uint64_t)m->session, 4);
    mlp_put(p + 44, (uint64_t)m->overrun, 4);
    *n = 48u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_get_counters_rsp_unpack(mlp_get_counters_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[48];
    if (n >= 4u && (p[0] || p[1]) && (n < 48u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 48u ? n : 4u);
        p = refusal;
        n = 48u;
    }
    if (n < 48u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->good = (uint32_t)mlp_get(p + 4, 4);
    m->crc = (uint32_t)mlp_get(p + 8, 4);
    m->cobs = (uint32_t)mlp_get(p + 12, 4);
    m->overlong = (uint32_t)mlp_get(p + 16, 4);
    m->length = (uint32_t)mlp_get(p + 20, 4);
    m->version = (uint32_t)mlp_get(p + 24, 4);
    m->dup = (uint32_t)mlp_get(p + 28, 4);
    m->gap = (uint32_t)mlp_get(p + 32, 4);
    m->replay = (uint32_t)mlp_get(p + 36, 4);
    m->session = (uint32_t)mlp_get(p + 40, 4);
    m->overrun = (uint32_t)mlp_get(p + 44, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_READ_JOURNAL_SIZE 4u /* without a tail */
typedef struct mlp_read_journal {
    uint32_t from_op;
} mlp_read_journal;
static inline int mlp_read_journal_pack(const mlp_read_journal *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->from_op, 4);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_read_journal_unpack(mlp_read_journal *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->from_op = (uint32_t)mlp_get(p + 0, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_READ_JOURNAL_RSP_SIZE 8u /* without a tail */
typedef struct mlp_read_journal_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t lost_op;
    const uint8_t *records;
    size_t records_len; /* bytes; elements: JournalRecord[] */
} mlp_read_journal_rsp;
static inline int mlp_read_journal_rsp_pack(const mlp_read_journal_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->records_len % 20u)
        return MLP_ERROR_CODE_LEN;
    if (room < 8u || room - 8u < m->records_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->lost_op, 4);
    if (m->records_len)
        memcpy(p + 8, m->records, m->records_len);
    *n = 8u + m->records_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_read_journal_rsp_unpack(mlp_read_journal_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[8];
    if (n >= 4u && (p[0] || p[1]) && (n < 8u || (n - 8u) % 20u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 8u ? n : 4u);
        p = refusal;
        n = 8u;
    }
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    if ((n - 8u) % 20u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->lost_op = (uint32_t)mlp_get(p + 4, 4);
    m->records = n > 8u ? p + 8 : NULL;
    m->records_len = n - 8u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_GET_LIMITS_SIZE 0u /* without a tail */

#define MLP_GET_LIMITS_RSP_SIZE 12u /* without a tail */
typedef struct mlp_get_limits_rsp {
    uint16_t status;
    uint16_t detail;
    uint16_t max_width_ticks;
    uint8_t max_count;
    uint8_t slow;
    uint16_t min_pause_us;
    uint16_t reserved;
} mlp_get_limits_rsp;
static inline int mlp_get_limits_rsp_pack(const mlp_get_limits_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->status == 0 && (m->max_width_ticks < 1))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->max_count < 1))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->slow > 1))
        return MLP_ERROR_CODE_RANGE;
    if (room < 12u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->max_width_ticks, 2);
    mlp_put(p + 6, (uint64_t)m->max_count, 1);
    mlp_put(p + 7, (uint64_t)m->slow, 1);
    mlp_put(p + 8, (uint64_t)m->min_pause_us, 2);
    mlp_put(p + 10, (uint64_t)m->reserved, 2);
    *n = 12u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_get_limits_rsp_unpack(mlp_get_limits_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[12];
    if (n >= 4u && (p[0] || p[1]) && (n < 12u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 12u ? n : 4u);
        p = refusal;
        n = 12u;
    }
    if (n < 12u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->max_width_ticks = (uint16_t)mlp_get(p + 4, 2);
    if (m->status == 0 && (m->max_width_ticks < 1))
        return MLP_ERROR_CODE_RANGE;
    m->max_count = (uint8_t)mlp_get(p + 6, 1);
    if (m->status == 0 && (m->max_count < 1))
        return MLP_ERROR_CODE_RANGE;
    m->slow = (uint8_t)mlp_get(p + 7, 1);
    if (m->status == 0 && (m->slow > 1))
        return MLP_ERROR_CODE_RANGE;
    m->min_pause_us = (uint16_t)mlp_get(p + 8, 2);
    m->reserved = (uint16_t)mlp_get(p + 10, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_GET_DRIVERS_SIZE 0u /* without a tail */

#define MLP_GET_DRIVERS_RSP_SIZE 16u /* without a tail */
typedef struct mlp_get_drivers_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t read_na;
    uint32_t set_na;
    uint32_t reset_na;
} mlp_get_drivers_rsp;
static inline int mlp_get_drivers_rsp_pack(const mlp_get_drivers_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->status == 0 && (m->read_na < 1))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->set_na < 1))
        return MLP_ERROR_CODE_RANGE;
    if (m->status == 0 && (m->reset_na < 1))
        return MLP_ERROR_CODE_RANGE;
    if (room < 16u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->read_na, 4);
    mlp_put(p + 8, (uint64_t)m->set_na, 4);
    mlp_put(p + 12, (uint64_t)m->reset_na, 4);
    *n = 16u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_get_drivers_rsp_unpack(mlp_get_drivers_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[16];
    if (n >= 4u && (p[0] || p[1]) && (n < 16u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 16u ? n : 4u);
        p = refusal;
        n = 16u;
    }
    if (n < 16u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->read_na = (uint32_t)mlp_get(p + 4, 4);
    if (m->status == 0 && (m->read_na < 1))
        return MLP_ERROR_CODE_RANGE;
    m->set_na = (uint32_t)mlp_get(p + 8, 4);
    if (m->status == 0 && (m->set_na < 1))
        return MLP_ERROR_CODE_RANGE;
    m->reset_na = (uint32_t)mlp_get(p + 12, 4);
    if (m->status == 0 && (m->reset_na < 1))
        return MLP_ERROR_CODE_RANGE;
    return MLP_ERROR_CODE_OK;
}

#define MLP_GET_HISTORY_SIZE 8u /* without a tail */
typedef struct mlp_get_history {
    uint64_t count;
} mlp_get_history;
static inline int mlp_get_history_pack(const mlp_get_history *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->count, 8);
    *n = 8u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_get_history_unpack(mlp_get_history *m, const uint8_t *p, size_t n)
{
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->count = (uint64_t)mlp_get(p + 0, 8);
    return MLP_ERROR_CODE_OK;
}

#define MLP_GET_HISTORY_RSP_SIZE 17u /* without a tail */
typedef struct mlp_get_history_rsp {
    uint16_t status;
    uint16_t detail;
    uint8_t known;
    uint64_t count;
    uint32_t check;
} mlp_get_history_rsp;
static inline int mlp_get_history_rsp_pack(const mlp_get_history_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->status == 0 && (m->known > 1))
        return MLP_ERROR_CODE_RANGE;
    if (room < 17u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->known, 1);
    mlp_put(p + 5, (uint64_t)m->count, 8);
    mlp_put(p + 13, (uint64_t)m->check, 4);
    *n = 17u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_get_history_rsp_unpack(mlp_get_history_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[17];
    if (n >= 4u && (p[0] || p[1]) && (n < 17u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 17u ? n : 4u);
        p = refusal;
        n = 17u;
    }
    if (n < 17u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->known = (uint8_t)mlp_get(p + 4, 1);
    if (m->status == 0 && (m->known > 1))
        return MLP_ERROR_CODE_RANGE;
    m->count = (uint64_t)mlp_get(p + 5, 8);
    m->check = (uint32_t)mlp_get(p + 13, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_BEGIN_SIZE 0u /* without a tail */

#define MLP_CFG_BEGIN_RSP_SIZE 4u /* without a tail */
typedef struct mlp_cfg_begin_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_cfg_begin_rsp;
static inline int mlp_cfg_begin_rsp_pack(const mlp_cfg_begin_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_begin_rsp_unpack(mlp_cfg_begin_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_SPAN_SIZE 2u /* without a tail */
typedef struct mlp_cfg_span {
    uint8_t line;
    uint8_t span;
} mlp_cfg_span;
static inline int mlp_cfg_span_pack(const mlp_cfg_span *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->line > 2)
        return MLP_ERROR_CODE_RANGE;
    if (m->span > 4)
        return MLP_ERROR_CODE_RANGE;
    if (room < 2u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->line, 1);
    mlp_put(p + 1, (uint64_t)m->span, 1);
    *n = 2u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_span_unpack(mlp_cfg_span *m, const uint8_t *p, size_t n)
{
    if (n < 2u)
        return MLP_ERROR_CODE_LEN;
    m->line = (uint8_t)mlp_get(p + 0, 1);
    if (m->line > 2)
        return MLP_ERROR_CODE_RANGE;
    m->span = (uint8_t)mlp_get(p + 1, 1);
    if (m->span > 4)
        return MLP_ERROR_CODE_RANGE;
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_SPAN_RSP_SIZE 4u /* without a tail */
typedef struct mlp_cfg_span_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_cfg_span_rsp;
static inline int mlp_cfg_span_rsp_pack(const mlp_cfg_span_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_span_rsp_unpack(mlp_cfg_span_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_LIMIT_SIZE 6u /* without a tail */
typedef struct mlp_cfg_limit {
    uint8_t line;
    uint8_t mode;
    uint16_t minimum;
    uint16_t maximum;
} mlp_cfg_limit;
static inline int mlp_cfg_limit_pack(const mlp_cfg_limit *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->line > 2)
        return MLP_ERROR_CODE_RANGE;
    if (m->mode > 2)
        return MLP_ERROR_CODE_RANGE;
    if (room < 6u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->line, 1);
    mlp_put(p + 1, (uint64_t)m->mode, 1);
    mlp_put(p + 2, (uint64_t)m->minimum, 2);
    mlp_put(p + 4, (uint64_t)m->maximum, 2);
    *n = 6u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_limit_unpack(mlp_cfg_limit *m, const uint8_t *p, size_t n)
{
    if (n < 6u)
        return MLP_ERROR_CODE_LEN;
    m->line = (uint8_t)mlp_get(p + 0, 1);
    if (m->line > 2)
        return MLP_ERROR_CODE_RANGE;
    m->mode = (uint8_t)mlp_get(p + 1, 1);
    if (m->mode > 2)
        return MLP_ERROR_CODE_RANGE;
    m->minimum = (uint16_t)mlp_get(p + 2, 2);
    m->maximum = (uint16_t)mlp_get(p + 4, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_LIMIT_RSP_SIZE 4u /* without a tail */
typedef struct mlp_cfg_limit_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_cfg_limit_rsp;
static inline int mlp_cfg_limit_rsp_pack(const mlp_cfg_limit_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_limit_rsp_unpack(mlp_cfg_limit_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_TIMING_SIZE 14u /* without a tail */
typedef struct mlp_cfg_timing {
    uint16_t sample_hold_ticks;
    uint16_t row_ticks;
    uint16_t convst_ticks;
    uint16_t column_ticks;
    uint16_t settle_us;
    uint16_t minimum_width_ticks;
    uint16_t maximum_width_ticks;
} mlp_cfg_timing;
static inline int mlp_cfg_timing_pack(const mlp_cfg_timing *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 14u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->sample_hold_ticks, 2);
    mlp_put(p + 2, (uint64_t)m->row_ticks, 2);
    mlp_put(p + 4, (uint64_t)m->convst_ticks, 2);
    mlp_put(p + 6, (uint64_t)m->column_ticks, 2);
    mlp_put(p + 8, (uint64_t)m->settle_us, 2);
    mlp_put(p + 10, (uint64_t)m->minimum_width_ticks, 2);
    mlp_put(p + 12, (uint64_t)m->maximum_width_ticks, 2);
    *n = 14u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_timing_unpack(mlp_cfg_timing *m, const uint8_t *p, size_t n)
{
    if (n < 14u)
        return MLP_ERROR_CODE_LEN;
    m->sample_hold_ticks = (uint16_t)mlp_get(p + 0, 2);
    m->row_ticks = (uint16_t)mlp_get(p + 2, 2);
    m->convst_ticks = (uint16_t)mlp_get(p + 4, 2);
    m->column_ticks = (uint16_t)mlp_get(p + 6, 2);
    m->settle_us = (uint16_t)mlp_get(p + 8, 2);
    m->minimum_width_ticks = (uint16_t)mlp_get(p + 10, 2);
    m->maximum_width_ticks = (uint16_t)mlp_get(p + 12, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_TIMING_RSP_SIZE 4u /* without a tail */
typedef struct mlp_cfg_timing_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_cfg_timing_rsp;
static inline int mlp_cfg_timing_rsp_pack(const mlp_cfg_timing_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_timing_rsp_unpack(mlp_cfg_timing_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_COMMIT_SIZE 4u /* without a tail */
typedef struct mlp_cfg_commit {
    uint32_t crc;
} mlp_cfg_commit;
static inline int mlp_cfg_commit_pack(const mlp_cfg_commit *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->crc, 4);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_commit_unpack(mlp_cfg_commit *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->crc = (uint32_t)mlp_get(p + 0, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_COMMIT_RSP_SIZE 8u /* without a tail */
typedef struct mlp_cfg_commit_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t crc;
} mlp_cfg_commit_rsp;
static inline int mlp_cfg_commit_rsp_pack(const mlp_cfg_commit_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->crc, 4);
    *n = 8u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_commit_rsp_unpack(mlp_cfg_commit_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[8];
    if (n >= 4u && (p[0] || p[1]) && (n < 8u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 8u ? n : 4u);
        p = refusal;
        n = 8u;
    }
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->crc = (uint32_t)mlp_get(p + 4, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_LEVELS_SIZE 4u /* without a tail */
typedef struct mlp_cfg_levels {
    uint16_t read_gate_code;
    uint16_t idle_row_code;
} mlp_cfg_levels;
static inline int mlp_cfg_levels_pack(const mlp_cfg_levels *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->read_gate_code, 2);
    mlp_put(p + 2, (uint64_t)m->idle_row_code, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_levels_unpack(mlp_cfg_levels *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->read_gate_code = (uint16_t)mlp_get(p + 0, 2);
    m->idle_row_code = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_CFG_LEVELS_RSP_SIZE 4u /* without a tail */
typedef struct mlp_cfg_levels_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_cfg_levels_rsp;
static inline int mlp_cfg_levels_rsp_pack(const mlp_cfg_levels_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_cfg_levels_rsp_unpack(mlp_cfg_levels_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_ARM_SIZE 10u /* without a tail */
typedef struct mlp_arm {
    uint32_t config_crc;
    uint32_t lease_ms;
    uint16_t watchdog_ms;
} mlp_arm;
static inline int mlp_arm_pack(const mlp_arm *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->lease_ms < 100 || m->lease_ms > 86400000)
        return MLP_ERROR_CODE_RANGE;
    if (m->watchdog_ms < 200 || m->watchdog_ms > 5000)
        return MLP_ERROR_CODE_RANGE;
    if (room < 10u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->config_crc, 4);
    mlp_put(p + 4, (uint64_t)m->lease_ms, 4);
    mlp_put(p + 8, (uint64_t)m->watchdog_ms, 2);
    *n = 10u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_arm_unpack(mlp_arm *m, const uint8_t *p, size_t n)
{
    if (n < 10u)
        return MLP_ERROR_CODE_LEN;
    m->config_crc = (uint32_t)mlp_get(p + 0, 4);
    m->lease_ms = (uint32_t)mlp_get(p + 4, 4);
    if (m->lease_ms < 100 || m->lease_ms > 86400000)
        return MLP_ERROR_CODE_RANGE;
    m->watchdog_ms = (uint16_t)mlp_get(p + 8, 2);
    if (m->watchdog_ms < 200 || m->watchdog_ms > 5000)
        return MLP_ERROR_CODE_RANGE;
    return MLP_ERROR_CODE_OK;
}

#define MLP_ARM_RSP_SIZE 5u /* without a tail */
typedef struct mlp_arm_rsp {
    uint16_t status;
    uint16_t detail;
    uint8_t state;
} mlp_arm_rsp;
static inline int mlp_arm_rsp_pack(const mlp_arm_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 5u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->state, 1);
    *n = 5u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_arm_rsp_unpack(mlp_arm_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[5];
    if (n >= 4u && (p[0] || p[1]) && (n < 5u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 5u ? n : 4u);
        p = refusal;
        n = 5u;
    }
    if (n < 5u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->state = (uint8_t)mlp_get(p + 4, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_DISARM_SIZE 0u /* without a tail */

#define MLP_DISARM_RSP_SIZE 5u /* without a tail */
typedef struct mlp_disarm_rsp {
    uint16_t status;
    uint16_t detail;
    uint8_t state;
} mlp_disarm_rsp;
static inline int mlp_disarm_rsp_pack(const mlp_disarm_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 5u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->state, 1);
    *n = 5u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_disarm_rsp_unpack(mlp_disarm_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[5];
    if (n >= 4u && (p[0] || p[1]) && (n < 5u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 5u ? n : 4u);
        p = refusal;
        n = 5u;
    }
    if (n < 5u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->state = (uint8_t)mlp_get(p + 4, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_RENEW_SIZE 0u /* without a tail */

#define MLP_RENEW_RSP_SIZE 5u /* without a tail */
typedef struct mlp_renew_rsp {
    uint16_t status;
    uint16_t detail;
    uint8_t state;
} mlp_renew_rsp;
static inline int mlp_renew_rsp_pack(const mlp_renew_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 5u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->state, 1);
    *n = 5u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_renew_rsp_unpack(mlp_renew_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[5];
    if (n >= 4u && (p[0] || p[1]) && (n < 5u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 5u ? n : 4u);
        p = refusal;
        n = 5u;
    }
    if (n < 5u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->state = (uint8_t)mlp_get(p + 4, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_DAC_WRITE_SIZE 4u /* without a tail */
typedef struct mlp_dac_write {
    uint8_t first;
    uint8_t n;
    uint8_t update;
    uint8_t reserved;
    const uint8_t *code;
    size_t code_len; /* bytes; elements: u16[] */
} mlp_dac_write;
static inline int mlp_dac_write_pack(const mlp_dac_write *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->update > 1)
        return MLP_ERROR_CODE_RANGE;
    if (m->code_len % 2u)
        return MLP_ERROR_CODE_LEN;
    if (room < 4u || room - 4u < m->code_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->first, 1);
    mlp_put(p + 1, (uint64_t)m->n, 1);
    mlp_put(p + 2, (uint64_t)m->update, 1);
    mlp_put(p + 3, (uint64_t)m->reserved, 1);
    if (m->code_len)
        memcpy(p + 4, m->code, m->code_len);
    *n = 4u + m->code_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_dac_write_unpack(mlp_dac_write *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    if ((n - 4u) % 2u)
        return MLP_ERROR_CODE_LEN;
    m->first = (uint8_t)mlp_get(p + 0, 1);
    m->n = (uint8_t)mlp_get(p + 1, 1);
    m->update = (uint8_t)mlp_get(p + 2, 1);
    if (m->update > 1)
        return MLP_ERROR_CODE_RANGE;
    m->reserved = (uint8_t)mlp_get(p + 3, 1);
    m->code = n > 4u ? p + 4 : NULL;
    m->code_len = n - 4u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_DAC_WRITE_RSP_SIZE 4u /* without a tail */
typedef struct mlp_dac_write_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_dac_write_rsp;
static inline int mlp_dac_write_rsp_pack(const mlp_dac_write_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_dac_write_rsp_unpack(mlp_dac_write_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_GAINS_SIZE 16u /* without a tail */
typedef struct mlp_gains {
    uint8_t gain[16];
} mlp_gains;
static inline int mlp_gains_pack(const mlp_gains *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 16u)
        return MLP_ERROR_CODE_TOO_BIG;
    for (unsigned i = 0; i < 16; i++)
        mlp_put(p + 0 + 1 * i, (uint64_t)m->gain[i], 1);
    *n = 16u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_gains_unpack(mlp_gains *m, const uint8_t *p, size_t n)
{
    if (n < 16u)
        return MLP_ERROR_CODE_LEN;
    for (unsigned i = 0; i < 16; i++)
        m->gain[i] = (uint8_t)mlp_get(p + 0 + 1 * i, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_GAINS_RSP_SIZE 4u /* without a tail */
typedef struct mlp_gains_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_gains_rsp;
static inline int mlp_gains_rsp_pack(const mlp_gains_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_gains_rsp_unpack(mlp_gains_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_ADC_READ_SIZE 12u /* without a tail */
typedef struct mlp_adc_read {
    uint64_t cols;
    uint16_t navg;
    uint16_t settle_us;
} mlp_adc_read;
static inline int mlp_adc_read_pack(const mlp_adc_read *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->navg < 1 || m->navg > 1)
        return MLP_ERROR_CODE_RANGE;
    if (room < 12u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->cols, 8);
    mlp_put(p + 8, (uint64_t)m->navg, 2);
    mlp_put(p + 10, (uint64_t)m->settle_us, 2);
    *n = 12u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_adc_read_unpack(mlp_adc_read *m, const uint8_t *p, size_t n)
{
    if (n < 12u)
        return MLP_ERROR_CODE_LEN;
    m->cols = (uint64_t)mlp_get(p + 0, 8);
    m->navg = (uint16_t)mlp_get(p + 8, 2);
    if (m->navg < 1 || m->navg > 1)
        return MLP_ERROR_CODE_RANGE;
    m->settle_us = (uint16_t)mlp_get(p + 10, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_ADC_READ_RSP_SIZE 4u /* without a tail */
typedef struct mlp_adc_read_rsp {
    uint16_t status;
    uint16_t detail;
    const uint8_t *code;
    size_t code_len; /* bytes; elements: u16[] */
} mlp_adc_read_rsp;
static inline int mlp_adc_read_rsp_pack(const mlp_adc_read_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->code_len % 2u)
        return MLP_ERROR_CODE_LEN;
    if (room < 4u || room - 4u < m->code_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    if (m->code_len)
        memcpy(p + 4, m->code, m->code_len);
    *n = 4u + m->code_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_adc_read_rsp_unpack(mlp_adc_read_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[4];
    if (n >= 4u && (p[0] || p[1]) && (n < 4u || (n - 4u) % 2u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 4u ? n : 4u);
        p = refusal;
        n = 4u;
    }
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    if ((n - 4u) % 2u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->code = n > 4u ? p + 4 : NULL;
    m->code_len = n - 4u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_GROUND_ALL_SIZE 0u /* without a tail */

#define MLP_GROUND_ALL_RSP_SIZE 4u /* without a tail */
typedef struct mlp_ground_all_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_ground_all_rsp;
static inline int mlp_ground_all_rsp_pack(const mlp_ground_all_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_ground_all_rsp_unpack(mlp_ground_all_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_READ_ARRAY_SIZE 38u /* without a tail */
typedef struct mlp_read_array {
    uint32_t op;
    uint8_t rows[16];
    uint64_t cols;
    uint16_t v_row;
    uint16_t v_idle;
    uint16_t v_gate;
    uint16_t navg;
    uint8_t gain_mode;
    uint8_t fmt;
} mlp_read_array;
static inline int mlp_read_array_pack(const mlp_read_array *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->navg < 1 || m->navg > 1)
        return MLP_ERROR_CODE_RANGE;
    if (m->gain_mode > 4)
        return MLP_ERROR_CODE_RANGE;
    if (m->fmt > 0)
        return MLP_ERROR_CODE_RANGE;
    if (room < 38u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    for (unsigned i = 0; i < 16; i++)
        mlp_put(p + 4 + 1 * i, (uint64_t)m->rows[i], 1);
    mlp_put(p + 20, (uint64_t)m->cols, 8);
    mlp_put(p + 28, (uint64_t)m->v_row, 2);
    mlp_put(p + 30, (uint64_t)m->v_idle, 2);
    mlp_put(p + 32, (uint64_t)m->v_gate, 2);
    mlp_put(p + 34, (uint64_t)m->navg, 2);
    mlp_put(p + 36, (uint64_t)m->gain_mode, 1);
    mlp_put(p + 37, (uint64_t)m->fmt, 1);
    *n = 38u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_read_array_unpack(mlp_read_array *m, const uint8_t *p, size_t n)
{
    if (n < 38u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    for (unsigned i = 0; i < 16; i++)
        m->rows[i] = (uint8_t)mlp_get(p + 4 + 1 * i, 1);
    m->cols = (uint64_t)mlp_get(p + 20, 8);
    m->v_row = (uint16_t)mlp_get(p + 28, 2);
    m->v_idle = (uint16_t)mlp_get(p + 30, 2);
    m->v_gate = (uint16_t)mlp_get(p + 32, 2);
    m->navg = (uint16_t)mlp_get(p + 34, 2);
    if (m->navg < 1 || m->navg > 1)
        return MLP_ERROR_CODE_RANGE;
    m->gain_mode = (uint8_t)mlp_get(p + 36, 1);
    if (m->gain_mode > 4)
        return MLP_ERROR_CODE_RANGE;
    m->fmt = (uint8_t)mlp_get(p + 37, 1);
    if (m->fmt > 0)
        return MLP_ERROR_CODE_RANGE;
    return MLP_ERROR_CODE_OK;
}

#define MLP_READ_ARRAY_RSP_SIZE 8u /* without a tail */
typedef struct mlp_read_array_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t total;
} mlp_read_array_rsp;
static inline int mlp_read_array_rsp_pack(const mlp_read_array_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->total, 4);
    *n = 8u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_read_array_rsp_unpack(mlp_read_array_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[8];
    if (n >= 4u && (p[0] || p[1]) && (n < 8u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 8u ? n : 4u);
        p = refusal;
        n = 8u;
    }
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->total = (uint32_t)mlp_get(p + 4, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_READ_DATA_SIZE 8u /* without a tail */
typedef struct mlp_read_data {
    uint16_t op_lo;
    uint16_t n;
    uint32_t first;
    const uint8_t *body;
    size_t body_len; /* bytes; elements: u8[] */
} mlp_read_data;
static inline int mlp_read_data_pack(const mlp_read_data *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u || room - 8u < m->body_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op_lo, 2);
    mlp_put(p + 2, (uint64_t)m->n, 2);
    mlp_put(p + 4, (uint64_t)m->first, 4);
    if (m->body_len)
        memcpy(p + 8, m->body, m->body_len);
    *n = 8u + m->body_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_read_data_unpack(mlp_read_data *m, const uint8_t *p, size_t n)
{
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->op_lo = (uint16_t)mlp_get(p + 0, 2);
    m->n = (uint16_t)mlp_get(p + 2, 2);
    m->first = (uint32_t)mlp_get(p + 4, 4);
    m->body = n > 8u ? p + 8 : NULL;
    m->body_len = n - 8u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_READ_END_SIZE 16u /* without a tail */
typedef struct mlp_read_end {
    uint32_t op;
    uint16_t status;
    uint16_t reserved;
    uint32_t total;
    uint32_t crc;
} mlp_read_end;
static inline int mlp_read_end_pack(const mlp_read_end *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 16u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    mlp_put(p + 4, (uint64_t)m->status, 2);
    mlp_put(p + 6, (uint64_t)m->reserved, 2);
    mlp_put(p + 8, (uint64_t)m->total, 4);
    mlp_put(p + 12, (uint64_t)m->crc, 4);
    *n = 16u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_read_end_unpack(mlp_read_end *m, const uint8_t *p, size_t n)
{
    if (n < 16u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    m->status = (uint16_t)mlp_get(p + 4, 2);
    m->reserved = (uint16_t)mlp_get(p + 6, 2);
    m->total = (uint32_t)mlp_get(p + 8, 4);
    m->crc = (uint32_t)mlp_get(p + 12, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_PULSE_SIZE 14u /* without a tail */
typedef struct mlp_pulse {
    uint32_t op;
    uint8_t row;
    uint8_t col;
    uint8_t kind;
    uint8_t count;
    uint16_t amp;
    uint16_t gate;
    uint16_t width;
} mlp_pulse;
static inline int mlp_pulse_pack(const mlp_pulse *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->row > 127)
        return MLP_ERROR_CODE_RANGE;
    if (m->col > 63)
        return MLP_ERROR_CODE_RANGE;
    if (m->count < 1)
        return MLP_ERROR_CODE_RANGE;
    if (room < 14u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    mlp_put(p + 4, (uint64_t)m->row, 1);
    mlp_put(p + 5, (uint64_t)m->col, 1);
    mlp_put(p + 6, (uint64_t)m->kind, 1);
    mlp_put(p + 7, (uint64_t)m->count, 1);
    mlp_put(p + 8, (uint64_t)m->amp, 2);
    mlp_put(p + 10, (uint64_t)m->gate, 2);
    mlp_put(p + 12, (uint64_t)m->width, 2);
    *n = 14u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_pulse_unpack(mlp_pulse *m, const uint8_t *p, size_t n)
{
    if (n < 14u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    m->row = (uint8_t)mlp_get(p + 4, 1);
    if (m->row > 127)
        return MLP_ERROR_CODE_RANGE;
    m->col = (uint8_t)mlp_get(p + 5, 1);
    if (m->col > 63)
        return MLP_ERROR_CODE_RANGE;
    m->kind = (uint8_t)mlp_get(p + 6, 1);
    m->count = (uint8_t)mlp_get(p + 7, 1);
    if (m->count < 1)
        return MLP_ERROR_CODE_RANGE;
    m->amp = (uint16_t)mlp_get(p + 8, 2);
    m->gate = (uint16_t)mlp_get(p + 10, 2);
    m->width = (uint16_t)mlp_get(p + 12, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_PULSE_RSP_SIZE 7u /* without a tail */
typedef struct mlp_pulse_rsp {
    uint16_t status;
    uint16_t detail;
    uint8_t fired;
    uint16_t width_ticks;
} mlp_pulse_rsp;
static inline int mlp_pulse_rsp_pack(const mlp_pulse_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 7u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->fired, 1);
    mlp_put(p + 5, (uint64_t)m->width_ticks, 2);
    *n = 7u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_pulse_rsp_unpack(mlp_pulse_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[7];
    if (n >= 4u && (p[0] || p[1]) && (n < 7u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 7u ? n : 4u);
        p = refusal;
        n = 7u;
    }
    if (n < 7u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->fired = (uint8_t)mlp_get(p + 4, 1);
    m->width_ticks = (uint16_t)mlp_get(p + 5, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_JOB_BEGIN_SIZE 16u /* without a tail */
typedef struct mlp_job_begin {
    uint32_t op;
    uint32_t n;
    uint32_t crc;
    uint8_t verify;
    uint8_t format;
    uint16_t pause_us;
} mlp_job_begin;
static inline int mlp_job_begin_pack(const mlp_job_begin *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->n < 1)
        return MLP_ERROR_CODE_RANGE;
    if (m->verify > 0)
        return MLP_ERROR_CODE_RANGE;
    if (m->format > 1)
        return MLP_ERROR_CODE_RANGE;
    if (room < 16u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    mlp_put(p + 4, (uint64_t)m->n, 4);
    mlp_put(p + 8, (uint64_t)m->crc, 4);
    mlp_put(p + 12, (uint64_t)m->verify, 1);
    mlp_put(p + 13, (uint64_t)m->format, 1);
    mlp_put(p + 14, (uint64_t)m->pause_us, 2);
    *n = 16u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_job_begin_unpack(mlp_job_begin *m, const uint8_t *p, size_t n)
{
    if (n < 16u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    m->n = (uint32_t)mlp_get(p + 4, 4);
    if (m->n < 1)
        return MLP_ERROR_CODE_RANGE;
    m->crc = (uint32_t)mlp_get(p + 8, 4);
    m->verify = (uint8_t)mlp_get(p + 12, 1);
    if (m->verify > 0)
        return MLP_ERROR_CODE_RANGE;
    m->format = (uint8_t)mlp_get(p + 13, 1);
    if (m->format > 1)
        return MLP_ERROR_CODE_RANGE;
    m->pause_us = (uint16_t)mlp_get(p + 14, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_JOB_BEGIN_RSP_SIZE 8u /* without a tail */
typedef struct mlp_job_begin_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t room;
} mlp_job_begin_rsp;
static inline int mlp_job_begin_rsp_pack(const mlp_job_begin_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->room, 4);
    *n = 8u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_job_begin_rsp_unpack(mlp_job_begin_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[8];
    if (n >= 4u && (p[0] || p[1]) && (n < 8u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 8u ? n : 4u);
        p = refusal;
        n = 8u;
    }
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->room = (uint32_t)mlp_get(p + 4, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_JOB_DATA_SIZE 8u /* without a tail */
typedef struct mlp_job_data {
    uint16_t op_lo;
    uint16_t n;
    uint32_t first;
    const uint8_t *body;
    size_t body_len; /* bytes; elements: u8[] */
} mlp_job_data;
static inline int mlp_job_data_pack(const mlp_job_data *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u || room - 8u < m->body_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op_lo, 2);
    mlp_put(p + 2, (uint64_t)m->n, 2);
    mlp_put(p + 4, (uint64_t)m->first, 4);
    if (m->body_len)
        memcpy(p + 8, m->body, m->body_len);
    *n = 8u + m->body_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_job_data_unpack(mlp_job_data *m, const uint8_t *p, size_t n)
{
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->op_lo = (uint16_t)mlp_get(p + 0, 2);
    m->n = (uint16_t)mlp_get(p + 2, 2);
    m->first = (uint32_t)mlp_get(p + 4, 4);
    m->body = n > 8u ? p + 8 : NULL;
    m->body_len = n - 8u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_JOB_RUN_SIZE 4u /* without a tail */
typedef struct mlp_job_run {
    uint32_t op;
} mlp_job_run;
static inline int mlp_job_run_pack(const mlp_job_run *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_job_run_unpack(mlp_job_run *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_JOB_RUN_RSP_SIZE 8u /* without a tail */
typedef struct mlp_job_run_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t total;
} mlp_job_run_rsp;
static inline int mlp_job_run_rsp_pack(const mlp_job_run_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->total, 4);
    *n = 8u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_job_run_rsp_unpack(mlp_job_run_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[8];
    if (n >= 4u && (p[0] || p[1]) && (n < 8u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 8u ? n : 4u);
        p = refusal;
        n = 8u;
    }
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->total = (uint32_t)mlp_get(p + 4, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_PROGRESS_SIZE 16u /* without a tail */
typedef struct mlp_progress {
    uint32_t op;
    uint32_t started;
    uint32_t done;
    uint8_t phase;
    uint8_t reserved;
    uint16_t err;
} mlp_progress;
static inline int mlp_progress_pack(const mlp_progress *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 16u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    mlp_put(p + 4, (uint64_t)m->started, 4);
    mlp_put(p + 8, (uint64_t)m->done, 4);
    mlp_put(p + 12, (uint64_t)m->phase, 1);
    mlp_put(p + 13, (uint64_t)m->reserved, 1);
    mlp_put(p + 14, (uint64_t)m->err, 2);
    *n = 16u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_progress_unpack(mlp_progress *m, const uint8_t *p, size_t n)
{
    if (n < 16u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    m->started = (uint32_t)mlp_get(p + 4, 4);
    m->done = (uint32_t)mlp_get(p + 8, 4);
    m->phase = (uint8_t)mlp_get(p + 12, 1);
    m->reserved = (uint8_t)mlp_get(p + 13, 1);
    m->err = (uint16_t)mlp_get(p + 14, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_VERIFY_DATA_SIZE 8u /* without a tail */
typedef struct mlp_verify_data {
    uint16_t op_lo;
    uint16_t n;
    uint32_t first;
    const uint8_t *body;
    size_t body_len; /* bytes; elements: u8[] */
} mlp_verify_data;
static inline int mlp_verify_data_pack(const mlp_verify_data *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u || room - 8u < m->body_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op_lo, 2);
    mlp_put(p + 2, (uint64_t)m->n, 2);
    mlp_put(p + 4, (uint64_t)m->first, 4);
    if (m->body_len)
        memcpy(p + 8, m->body, m->body_len);
    *n = 8u + m->body_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_verify_data_unpack(mlp_verify_data *m, const uint8_t *p, size_t n)
{
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->op_lo = (uint16_t)mlp_get(p + 0, 2);
    m->n = (uint16_t)mlp_get(p + 2, 2);
    m->first = (uint32_t)mlp_get(p + 4, 4);
    m->body = n > 8u ? p + 8 : NULL;
    m->body_len = n - 8u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_JOB_STATUS_SIZE 4u /* without a tail */
typedef struct mlp_job_status {
    uint32_t op;
} mlp_job_status;
static inline int mlp_job_status_pack(const mlp_job_status *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_job_status_unpack(mlp_job_status *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_JOB_STATUS_RSP_SIZE 16u /* without a tail */
typedef struct mlp_job_status_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t started;
    uint32_t done;
    uint8_t phase;
    uint8_t reserved;
    uint16_t err;
} mlp_job_status_rsp;
static inline int mlp_job_status_rsp_pack(const mlp_job_status_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 16u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->started, 4);
    mlp_put(p + 8, (uint64_t)m->done, 4);
    mlp_put(p + 12, (uint64_t)m->phase, 1);
    mlp_put(p + 13, (uint64_t)m->reserved, 1);
    mlp_put(p + 14, (uint64_t)m->err, 2);
    *n = 16u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_job_status_rsp_unpack(mlp_job_status_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[16];
    if (n >= 4u && (p[0] || p[1]) && (n < 16u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 16u ? n : 4u);
        p = refusal;
        n = 16u;
    }
    if (n < 16u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->started = (uint32_t)mlp_get(p + 4, 4);
    m->done = (uint32_t)mlp_get(p + 8, 4);
    m->phase = (uint8_t)mlp_get(p + 12, 1);
    m->reserved = (uint8_t)mlp_get(p + 13, 1);
    m->err = (uint16_t)mlp_get(p + 14, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_JOB_ABORT_SIZE 4u /* without a tail */
typedef struct mlp_job_abort {
    uint32_t op;
} mlp_job_abort;
static inline int mlp_job_abort_pack(const mlp_job_abort *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_job_abort_unpack(mlp_job_abort *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_JOB_ABORT_RSP_SIZE 16u /* without a tail */
typedef struct mlp_job_abort_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t started;
    uint32_t done;
    uint8_t phase;
    uint8_t reserved;
    uint16_t err;
} mlp_job_abort_rsp;
static inline int mlp_job_abort_rsp_pack(const mlp_job_abort_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 16u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->started, 4);
    mlp_put(p + 8, (uint64_t)m->done, 4);
    mlp_put(p + 12, (uint64_t)m->phase, 1);
    mlp_put(p + 13, (uint64_t)m->reserved, 1);
    mlp_put(p + 14, (uint64_t)m->err, 2);
    *n = 16u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_job_abort_rsp_unpack(mlp_job_abort_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[16];
    if (n >= 4u && (p[0] || p[1]) && (n < 16u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 16u ? n : 4u);
        p = refusal;
        n = 16u;
    }
    if (n < 16u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->started = (uint32_t)mlp_get(p + 4, 4);
    m->done = (uint32_t)mlp_get(p + 8, 4);
    m->phase = (uint8_t)mlp_get(p + 12, 1);
    m->reserved = (uint8_t)mlp_get(p + 13, 1);
    m->err = (uint16_t)mlp_get(p + 14, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_PULSE_ROW_SIZE 146u /* without a tail */
typedef struct mlp_pulse_row {
    uint32_t op;
    uint8_t row;
    uint8_t kind;
    uint16_t amp;
    uint16_t width;
    uint64_t cols;
    uint16_t gate[64];
} mlp_pulse_row;
static inline int mlp_pulse_row_pack(const mlp_pulse_row *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->row > 127)
        return MLP_ERROR_CODE_RANGE;
    if (room < 146u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    mlp_put(p + 4, (uint64_t)m->row, 1);
    mlp_put(p + 5, (uint64_t)m->kind, 1);
    mlp_put(p + 6, (uint64_t)m->amp, 2);
    mlp_put(p + 8, (uint64_t)m->width, 2);
    mlp_put(p + 10, (uint64_t)m->cols, 8);
    for (unsigned i = 0; i < 64; i++)
        mlp_put(p + 18 + 2 * i, (uint64_t)m->gate[i], 2);
    *n = 146u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_pulse_row_unpack(mlp_pulse_row *m, const uint8_t *p, size_t n)
{
    if (n < 146u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    m->row = (uint8_t)mlp_get(p + 4, 1);
    if (m->row > 127)
        return MLP_ERROR_CODE_RANGE;
    m->kind = (uint8_t)mlp_get(p + 5, 1);
    m->amp = (uint16_t)mlp_get(p + 6, 2);
    m->width = (uint16_t)mlp_get(p + 8, 2);
    m->cols = (uint64_t)mlp_get(p + 10, 8);
    for (unsigned i = 0; i < 64; i++)
        m->gate[i] = (uint16_t)mlp_get(p + 18 + 2 * i, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_PULSE_ROW_RSP_SIZE 12u /* without a tail */
typedef struct mlp_pulse_row_rsp {
    uint16_t status;
    uint16_t detail;
    uint64_t mask;
} mlp_pulse_row_rsp;
static inline int mlp_pulse_row_rsp_pack(const mlp_pulse_row_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 12u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->mask, 8);
    *n = 12u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_pulse_row_rsp_unpack(mlp_pulse_row_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[12];
    if (n >= 4u && (p[0] || p[1]) && (n < 12u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 12u ? n : 4u);
        p = refusal;
        n = 12u;
    }
    if (n < 12u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->mask = (uint64_t)mlp_get(p + 4, 8);
    return MLP_ERROR_CODE_OK;
}

#define MLP_VMM_BEGIN_SIZE 44u /* without a tail */
typedef struct mlp_vmm_begin {
    uint32_t op;
    uint32_t nvec;
    uint8_t rows[16];
    uint64_t cols;
    uint16_t v_idle;
    uint16_t v_gate;
    uint8_t in_fmt;
    uint8_t out_fmt;
    uint8_t gain_mode;
    uint8_t flags;
    uint16_t navg;
    uint16_t repeat;
} mlp_vmm_begin;
static inline int mlp_vmm_begin_pack(const mlp_vmm_begin *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->nvec < 1)
        return MLP_ERROR_CODE_RANGE;
    if (m->in_fmt > 3)
        return MLP_ERROR_CODE_RANGE;
    if (m->out_fmt > 0)
        return MLP_ERROR_CODE_RANGE;
    if (m->gain_mode > 4)
        return MLP_ERROR_CODE_RANGE;
    if (m->flags > 0)
        return MLP_ERROR_CODE_RANGE;
    if (m->navg < 1 || m->navg > 1)
        return MLP_ERROR_CODE_RANGE;
    if (m->repeat < 1 || m->repeat > 1)
        return MLP_ERROR_CODE_RANGE;
    if (room < 44u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    mlp_put(p + 4, (uint64_t)m->nvec, 4);
    for (unsigned i = 0; i < 16; i++)
        mlp_put(p + 8 + 1 * i, (uint64_t)m->rows[i], 1);
    mlp_put(p + 24, (uint64_t)m->cols, 8);
    mlp_put(p + 32, (uint64_t)m->v_idle, 2);
    mlp_put(p + 34, (uint64_t)m->v_gate, 2);
    mlp_put(p + 36, (uint64_t)m->in_fmt, 1);
    mlp_put(p + 37, (uint64_t)m->out_fmt, 1);
    mlp_put(p + 38, (uint64_t)m->gain_mode, 1);
    mlp_put(p + 39, (uint64_t)m->flags, 1);
    mlp_put(p + 40, (uint64_t)m->navg, 2);
    mlp_put(p + 42, (uint64_t)m->repeat, 2);
    *n = 44u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_vmm_begin_unpack(mlp_vmm_begin *m, const uint8_t *p, size_t n)
{
    if (n < 44u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    m->nvec = (uint32_t)mlp_get(p + 4, 4);
    if (m->nvec < 1)
        return MLP_ERROR_CODE_RANGE;
    for (unsigned i = 0; i < 16; i++)
        m->rows[i] = (uint8_t)mlp_get(p + 8 + 1 * i, 1);
    m->cols = (uint64_t)mlp_get(p + 24, 8);
    m->v_idle = (uint16_t)mlp_get(p + 32, 2);
    m->v_gate = (uint16_t)mlp_get(p + 34, 2);
    m->in_fmt = (uint8_t)mlp_get(p + 36, 1);
    if (m->in_fmt > 3)
        return MLP_ERROR_CODE_RANGE;
    m->out_fmt = (uint8_t)mlp_get(p + 37, 1);
    if (m->out_fmt > 0)
        return MLP_ERROR_CODE_RANGE;
    m->gain_mode = (uint8_t)mlp_get(p + 38, 1);
    if (m->gain_mode > 4)
        return MLP_ERROR_CODE_RANGE;
    m->flags = (uint8_t)mlp_get(p + 39, 1);
    if (m->flags > 0)
        return MLP_ERROR_CODE_RANGE;
    m->navg = (uint16_t)mlp_get(p + 40, 2);
    if (m->navg < 1 || m->navg > 1)
        return MLP_ERROR_CODE_RANGE;
    m->repeat = (uint16_t)mlp_get(p + 42, 2);
    if (m->repeat < 1 || m->repeat > 1)
        return MLP_ERROR_CODE_RANGE;
    return MLP_ERROR_CODE_OK;
}

#define MLP_VMM_BEGIN_RSP_SIZE 8u /* without a tail */
typedef struct mlp_vmm_begin_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t room;
} mlp_vmm_begin_rsp;
static inline int mlp_vmm_begin_rsp_pack(const mlp_vmm_begin_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    mlp_put(p + 4, (uint64_t)m->room, 4);
    *n = 8u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_vmm_begin_rsp_unpack(mlp_vmm_begin_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[8];
    if (n >= 4u && (p[0] || p[1]) && (n < 8u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 8u ? n : 4u);
        p = refusal;
        n = 8u;
    }
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->room = (uint32_t)mlp_get(p + 4, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_VMM_LUT_SIZE 8u /* without a tail */
typedef struct mlp_vmm_lut {
    uint32_t op;
    uint8_t table;
    uint8_t last;
    uint16_t first;
    const uint8_t *values;
    size_t values_len; /* bytes; elements: u16[] */
} mlp_vmm_lut;
static inline int mlp_vmm_lut_pack(const mlp_vmm_lut *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->table > 1)
        return MLP_ERROR_CODE_RANGE;
    if (m->last > 1)
        return MLP_ERROR_CODE_RANGE;
    if (m->values_len % 2u)
        return MLP_ERROR_CODE_LEN;
    if (room < 8u || room - 8u < m->values_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    mlp_put(p + 4, (uint64_t)m->table, 1);
    mlp_put(p + 5, (uint64_t)m->last, 1);
    mlp_put(p + 6, (uint64_t)m->first, 2);
    if (m->values_len)
        memcpy(p + 8, m->values, m->values_len);
    *n = 8u + m->values_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_vmm_lut_unpack(mlp_vmm_lut *m, const uint8_t *p, size_t n)
{
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    if ((n - 8u) % 2u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    m->table = (uint8_t)mlp_get(p + 4, 1);
    if (m->table > 1)
        return MLP_ERROR_CODE_RANGE;
    m->last = (uint8_t)mlp_get(p + 5, 1);
    if (m->last > 1)
        return MLP_ERROR_CODE_RANGE;
    m->first = (uint16_t)mlp_get(p + 6, 2);
    m->values = n > 8u ? p + 8 : NULL;
    m->values_len = n - 8u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_VMM_LUT_RSP_SIZE 4u /* without a tail */
typedef struct mlp_vmm_lut_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_vmm_lut_rsp;
static inline int mlp_vmm_lut_rsp_pack(const mlp_vmm_lut_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_vmm_lut_rsp_unpack(mlp_vmm_lut_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_VMM_DATA_SIZE 8u /* without a tail */
typedef struct mlp_vmm_data {
    uint16_t op_lo;
    uint16_t n;
    uint32_t first;
    const uint8_t *body;
    size_t body_len; /* bytes; elements: u8[] */
} mlp_vmm_data;
static inline int mlp_vmm_data_pack(const mlp_vmm_data *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u || room - 8u < m->body_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op_lo, 2);
    mlp_put(p + 2, (uint64_t)m->n, 2);
    mlp_put(p + 4, (uint64_t)m->first, 4);
    if (m->body_len)
        memcpy(p + 8, m->body, m->body_len);
    *n = 8u + m->body_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_vmm_data_unpack(mlp_vmm_data *m, const uint8_t *p, size_t n)
{
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->op_lo = (uint16_t)mlp_get(p + 0, 2);
    m->n = (uint16_t)mlp_get(p + 2, 2);
    m->first = (uint32_t)mlp_get(p + 4, 4);
    m->body = n > 8u ? p + 8 : NULL;
    m->body_len = n - 8u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_VMM_RESULT_SIZE 8u /* without a tail */
typedef struct mlp_vmm_result {
    uint16_t op_lo;
    uint16_t n;
    uint32_t first;
    const uint8_t *body;
    size_t body_len; /* bytes; elements: u8[] */
} mlp_vmm_result;
static inline int mlp_vmm_result_pack(const mlp_vmm_result *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 8u || room - 8u < m->body_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op_lo, 2);
    mlp_put(p + 2, (uint64_t)m->n, 2);
    mlp_put(p + 4, (uint64_t)m->first, 4);
    if (m->body_len)
        memcpy(p + 8, m->body, m->body_len);
    *n = 8u + m->body_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_vmm_result_unpack(mlp_vmm_result *m, const uint8_t *p, size_t n)
{
    if (n < 8u)
        return MLP_ERROR_CODE_LEN;
    m->op_lo = (uint16_t)mlp_get(p + 0, 2);
    m->n = (uint16_t)mlp_get(p + 2, 2);
    m->first = (uint32_t)mlp_get(p + 4, 4);
    m->body = n > 8u ? p + 8 : NULL;
    m->body_len = n - 8u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_VMM_END_SIZE 16u /* without a tail */
typedef struct mlp_vmm_end {
    uint32_t op;
    uint16_t status;
    uint16_t reserved;
    uint32_t total;
    uint32_t crc;
} mlp_vmm_end;
static inline int mlp_vmm_end_pack(const mlp_vmm_end *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 16u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    mlp_put(p + 4, (uint64_t)m->status, 2);
    mlp_put(p + 6, (uint64_t)m->reserved, 2);
    mlp_put(p + 8, (uint64_t)m->total, 4);
    mlp_put(p + 12, (uint64_t)m->crc, 4);
    *n = 16u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_vmm_end_unpack(mlp_vmm_end *m, const uint8_t *p, size_t n)
{
    if (n < 16u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    m->status = (uint16_t)mlp_get(p + 4, 2);
    m->reserved = (uint16_t)mlp_get(p + 6, 2);
    m->total = (uint32_t)mlp_get(p + 8, 4);
    m->crc = (uint32_t)mlp_get(p + 12, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_VMM_ABORT_SIZE 4u /* without a tail */
typedef struct mlp_vmm_abort {
    uint32_t op;
} mlp_vmm_abort;
static inline int mlp_vmm_abort_pack(const mlp_vmm_abort *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->op, 4);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_vmm_abort_unpack(mlp_vmm_abort *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->op = (uint32_t)mlp_get(p + 0, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_VMM_ABORT_RSP_SIZE 4u /* without a tail */
typedef struct mlp_vmm_abort_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_vmm_abort_rsp;
static inline int mlp_vmm_abort_rsp_pack(const mlp_vmm_abort_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_vmm_abort_rsp_unpack(mlp_vmm_abort_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_DBG_UNLOCK_SIZE 9u /* without a tail */
typedef struct mlp_dbg_unlock {
    uint32_t uid_crc;
    uint32_t ttl_ms;
    uint8_t flags;
} mlp_dbg_unlock;
static inline int mlp_dbg_unlock_pack(const mlp_dbg_unlock *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->ttl_ms > 60000)
        return MLP_ERROR_CODE_RANGE;
    if (room < 9u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->uid_crc, 4);
    mlp_put(p + 4, (uint64_t)m->ttl_ms, 4);
    mlp_put(p + 8, (uint64_t)m->flags, 1);
    *n = 9u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_dbg_unlock_unpack(mlp_dbg_unlock *m, const uint8_t *p, size_t n)
{
    if (n < 9u)
        return MLP_ERROR_CODE_LEN;
    m->uid_crc = (uint32_t)mlp_get(p + 0, 4);
    m->ttl_ms = (uint32_t)mlp_get(p + 4, 4);
    if (m->ttl_ms > 60000)
        return MLP_ERROR_CODE_RANGE;
    m->flags = (uint8_t)mlp_get(p + 8, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_DBG_UNLOCK_RSP_SIZE 4u /* without a tail */
typedef struct mlp_dbg_unlock_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_dbg_unlock_rsp;
static inline int mlp_dbg_unlock_rsp_pack(const mlp_dbg_unlock_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_dbg_unlock_rsp_unpack(mlp_dbg_unlock_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_SPI_XFER_SIZE 2u /* without a tail */
typedef struct mlp_spi_xfer {
    uint8_t chip;
    uint8_t n;
    const uint8_t *word;
    size_t word_len; /* bytes; elements: u32[] */
} mlp_spi_xfer;
static inline int mlp_spi_xfer_pack(const mlp_spi_xfer *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->chip > 15)
        return MLP_ERROR_CODE_RANGE;
    if (m->word_len % 4u)
        return MLP_ERROR_CODE_LEN;
    if (room < 2u || room - 2u < m->word_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->chip, 1);
    mlp_put(p + 1, (uint64_t)m->n, 1);
    if (m->word_len)
        memcpy(p + 2, m->word, m->word_len);
    *n = 2u + m->word_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_spi_xfer_unpack(mlp_spi_xfer *m, const uint8_t *p, size_t n)
{
    if (n < 2u)
        return MLP_ERROR_CODE_LEN;
    if ((n - 2u) % 4u)
        return MLP_ERROR_CODE_LEN;
    m->chip = (uint8_t)mlp_get(p + 0, 1);
    if (m->chip > 15)
        return MLP_ERROR_CODE_RANGE;
    m->n = (uint8_t)mlp_get(p + 1, 1);
    m->word = n > 2u ? p + 2 : NULL;
    m->word_len = n - 2u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_SPI_XFER_RSP_SIZE 4u /* without a tail */
typedef struct mlp_spi_xfer_rsp {
    uint16_t status;
    uint16_t detail;
    const uint8_t *word;
    size_t word_len; /* bytes; elements: u32[] */
} mlp_spi_xfer_rsp;
static inline int mlp_spi_xfer_rsp_pack(const mlp_spi_xfer_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->word_len % 4u)
        return MLP_ERROR_CODE_LEN;
    if (room < 4u || room - 4u < m->word_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    if (m->word_len)
        memcpy(p + 4, m->word, m->word_len);
    *n = 4u + m->word_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_spi_xfer_rsp_unpack(mlp_spi_xfer_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[4];
    if (n >= 4u && (p[0] || p[1]) && (n < 4u || (n - 4u) % 4u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 4u ? n : 4u);
        p = refusal;
        n = 4u;
    }
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    if ((n - 4u) % 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->word = n > 4u ? p + 4 : NULL;
    m->word_len = n - 4u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_ADC_CR_SIZE 2u /* without a tail */
typedef struct mlp_adc_cr {
    uint8_t chip;
    uint8_t cr;
} mlp_adc_cr;
static inline int mlp_adc_cr_pack(const mlp_adc_cr *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->chip > 7)
        return MLP_ERROR_CODE_RANGE;
    if (m->cr > 15)
        return MLP_ERROR_CODE_RANGE;
    if (room < 2u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->chip, 1);
    mlp_put(p + 1, (uint64_t)m->cr, 1);
    *n = 2u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_adc_cr_unpack(mlp_adc_cr *m, const uint8_t *p, size_t n)
{
    if (n < 2u)
        return MLP_ERROR_CODE_LEN;
    m->chip = (uint8_t)mlp_get(p + 0, 1);
    if (m->chip > 7)
        return MLP_ERROR_CODE_RANGE;
    m->cr = (uint8_t)mlp_get(p + 1, 1);
    if (m->cr > 15)
        return MLP_ERROR_CODE_RANGE;
    return MLP_ERROR_CODE_OK;
}

#define MLP_ADC_CR_RSP_SIZE 4u /* without a tail */
typedef struct mlp_adc_cr_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_adc_cr_rsp;
static inline int mlp_adc_cr_rsp_pack(const mlp_adc_cr_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_adc_cr_rsp_unpack(mlp_adc_cr_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_ADC_RAW_SIZE 2u /* without a tail */
typedef struct mlp_adc_raw {
    uint8_t chip;
    uint8_t n;
} mlp_adc_raw;
static inline int mlp_adc_raw_pack(const mlp_adc_raw *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->chip > 7)
        return MLP_ERROR_CODE_RANGE;
    if (room < 2u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->chip, 1);
    mlp_put(p + 1, (uint64_t)m->n, 1);
    *n = 2u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_adc_raw_unpack(mlp_adc_raw *m, const uint8_t *p, size_t n)
{
    if (n < 2u)
        return MLP_ERROR_CODE_LEN;
    m->chip = (uint8_t)mlp_get(p + 0, 1);
    if (m->chip > 7)
        return MLP_ERROR_CODE_RANGE;
    m->n = (uint8_t)mlp_get(p + 1, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_ADC_RAW_RSP_SIZE 4u /* without a tail */
typedef struct mlp_adc_raw_rsp {
    uint16_t status;
    uint16_t detail;
    const uint8_t *code;
    size_t code_len; /* bytes; elements: u16[] */
} mlp_adc_raw_rsp;
static inline int mlp_adc_raw_rsp_pack(const mlp_adc_raw_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->code_len % 2u)
        return MLP_ERROR_CODE_LEN;
    if (room < 4u || room - 4u < m->code_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    if (m->code_len)
        memcpy(p + 4, m->code, m->code_len);
    *n = 4u + m->code_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_adc_raw_rsp_unpack(mlp_adc_raw_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[4];
    if (n >= 4u && (p[0] || p[1]) && (n < 4u || (n - 4u) % 2u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 4u ? n : 4u);
        p = refusal;
        n = 4u;
    }
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    if ((n - 4u) % 2u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    m->code = n > 4u ? p + 4 : NULL;
    m->code_len = n - 4u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_GPIO_GET_SIZE 0u /* without a tail */

#define MLP_GPIO_GET_RSP_SIZE 20u /* without a tail */
typedef struct mlp_gpio_get_rsp {
    uint16_t status;
    uint16_t detail;
    uint32_t bank[4];
} mlp_gpio_get_rsp;
static inline int mlp_gpio_get_rsp_pack(const mlp_gpio_get_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 20u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    for (unsigned i = 0; i < 4; i++)
        mlp_put(p + 4 + 4 * i, (uint64_t)m->bank[i], 4);
    *n = 20u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_gpio_get_rsp_unpack(mlp_gpio_get_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[20];
    if (n >= 4u && (p[0] || p[1]) && (n < 20u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 20u ? n : 4u);
        p = refusal;
        n = 20u;
    }
    if (n < 20u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    for (unsigned i = 0; i < 4; i++)
        m->bank[i] = (uint32_t)mlp_get(p + 4 + 4 * i, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_GPIO_SET_SIZE 9u /* without a tail */
typedef struct mlp_gpio_set {
    uint8_t bank;
    uint32_t mask;
    uint32_t value;
} mlp_gpio_set;
static inline int mlp_gpio_set_pack(const mlp_gpio_set *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->bank > 3)
        return MLP_ERROR_CODE_RANGE;
    if (room < 9u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->bank, 1);
    mlp_put(p + 1, (uint64_t)m->mask, 4);
    mlp_put(p + 5, (uint64_t)m->value, 4);
    *n = 9u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_gpio_set_unpack(mlp_gpio_set *m, const uint8_t *p, size_t n)
{
    if (n < 9u)
        return MLP_ERROR_CODE_LEN;
    m->bank = (uint8_t)mlp_get(p + 0, 1);
    if (m->bank > 3)
        return MLP_ERROR_CODE_RANGE;
    m->mask = (uint32_t)mlp_get(p + 1, 4);
    m->value = (uint32_t)mlp_get(p + 5, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_GPIO_SET_RSP_SIZE 4u /* without a tail */
typedef struct mlp_gpio_set_rsp {
    uint16_t status;
    uint16_t detail;
} mlp_gpio_set_rsp;
static inline int mlp_gpio_set_rsp_pack(const mlp_gpio_set_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 4u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    *n = 4u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_gpio_set_rsp_unpack(mlp_gpio_set_rsp *m, const uint8_t *p, size_t n)
{
    if (n < 4u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    return MLP_ERROR_CODE_OK;
}

#define MLP_SHADOW_SIZE 2u /* without a tail */
typedef struct mlp_shadow {
    uint8_t first;
    uint8_t n;
} mlp_shadow;
static inline int mlp_shadow_pack(const mlp_shadow *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (m->n > 64)
        return MLP_ERROR_CODE_RANGE;
    if (room < 2u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->first, 1);
    mlp_put(p + 1, (uint64_t)m->n, 1);
    *n = 2u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_shadow_unpack(mlp_shadow *m, const uint8_t *p, size_t n)
{
    if (n < 2u)
        return MLP_ERROR_CODE_LEN;
    m->first = (uint8_t)mlp_get(p + 0, 1);
    m->n = (uint8_t)mlp_get(p + 1, 1);
    if (m->n > 64)
        return MLP_ERROR_CODE_RANGE;
    return MLP_ERROR_CODE_OK;
}

#define MLP_SHADOW_RSP_SIZE 196u /* without a tail */
typedef struct mlp_shadow_rsp {
    uint16_t status;
    uint16_t detail;
    uint16_t code[64];
    uint8_t span[64];
} mlp_shadow_rsp;
static inline int mlp_shadow_rsp_pack(const mlp_shadow_rsp *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 196u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->status, 2);
    mlp_put(p + 2, (uint64_t)m->detail, 2);
    for (unsigned i = 0; i < 64; i++)
        mlp_put(p + 4 + 2 * i, (uint64_t)m->code[i], 2);
    for (unsigned i = 0; i < 64; i++)
        mlp_put(p + 132 + 1 * i, (uint64_t)m->span[i], 1);
    *n = 196u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_shadow_rsp_unpack(mlp_shadow_rsp *m, const uint8_t *p, size_t n)
{
    uint8_t refusal[196];
    if (n >= 4u && (p[0] || p[1]) && (n < 196u)) {
        memset(refusal, 0, sizeof refusal);
        memcpy(refusal, p, n < 196u ? n : 4u);
        p = refusal;
        n = 196u;
    }
    if (n < 196u)
        return MLP_ERROR_CODE_LEN;
    m->status = (uint16_t)mlp_get(p + 0, 2);
    m->detail = (uint16_t)mlp_get(p + 2, 2);
    for (unsigned i = 0; i < 64; i++)
        m->code[i] = (uint16_t)mlp_get(p + 4 + 2 * i, 2);
    for (unsigned i = 0; i < 64; i++)
        m->span[i] = (uint8_t)mlp_get(p + 132 + 1 * i, 1);
    return MLP_ERROR_CODE_OK;
}

#define MLP_LOG_SIZE 5u /* without a tail */
typedef struct mlp_log {
    uint32_t t_us;
    uint8_t level;
    const uint8_t *text;
    size_t text_len; /* bytes; elements: char[] */
} mlp_log;
static inline int mlp_log_pack(const mlp_log *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 5u || room - 5u < m->text_len)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->t_us, 4);
    mlp_put(p + 4, (uint64_t)m->level, 1);
    if (m->text_len)
        memcpy(p + 5, m->text, m->text_len);
    *n = 5u + m->text_len;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_log_unpack(mlp_log *m, const uint8_t *p, size_t n)
{
    if (n < 5u)
        return MLP_ERROR_CODE_LEN;
    m->t_us = (uint32_t)mlp_get(p + 0, 4);
    m->level = (uint8_t)mlp_get(p + 4, 1);
    m->text = n > 5u ? p + 5 : NULL;
    m->text_len = n - 5u;
    return MLP_ERROR_CODE_OK;
}

#define MLP_FAULT_SIZE 9u /* without a tail */
typedef struct mlp_fault {
    uint8_t fault;
    uint32_t detail;
    uint32_t op;
} mlp_fault;
static inline int mlp_fault_pack(const mlp_fault *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 9u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->fault, 1);
    mlp_put(p + 1, (uint64_t)m->detail, 4);
    mlp_put(p + 5, (uint64_t)m->op, 4);
    *n = 9u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_fault_unpack(mlp_fault *m, const uint8_t *p, size_t n)
{
    if (n < 9u)
        return MLP_ERROR_CODE_LEN;
    m->fault = (uint8_t)mlp_get(p + 0, 1);
    m->detail = (uint32_t)mlp_get(p + 1, 4);
    m->op = (uint32_t)mlp_get(p + 5, 4);
    return MLP_ERROR_CODE_OK;
}

#define MLP_STATE_SIZE 1u /* without a tail */
typedef struct mlp_state {
    uint8_t state;
} mlp_state;
static inline int mlp_state_pack(const mlp_state *m, uint8_t *p, size_t room, size_t *n)
{
    *n = 0;
    if (room < 1u)
        return MLP_ERROR_CODE_TOO_BIG;
    mlp_put(p + 0, (uint64_t)m->state, 1);
    *n = 1u;
    return MLP_ERROR_CODE_OK;
}
static inline int mlp_state_unpack(mlp_state *m, const uint8_t *p, size_t n)
{
    if (n < 1u)
        return MLP_ERROR_CODE_LEN;
    m->state = (uint8_t)mlp_get(p + 0, 1);
    return MLP_ERROR_CODE_OK;
}

/* Every message: kind, class letter, and the states that allow it as a bit mask. */
typedef struct mlp_message_info {
    uint8_t id, kind;
    char klass;
    uint16_t states;
    uint32_t hash;
} mlp_message_info;
static const mlp_message_info mlp_messages[] = {
    {0x01, 5, 'I', 0x03FF, 0x6F97930Au}, /* HELLO */
    {0x02, 5, 'I', 0x03FF, 0x96EF80E0u}, /* BYE */
    {0x03, 5, 'I', 0x03FF, 0xEC7EC5F0u}, /* PING */
    {0x04, 5, 'I', 0x03FF, 0xA1212933u}, /* CREDIT */
    {0x05, 5, 'I', 0x03FF, 0x3E1A80BAu}, /* NAK */
    {0x06, 0, 'I', 0x03FF, 0x7F6AF774u}, /* GET_DICT */
    {0x07, 0, 'O', 0x000C, 0x8EFB7FC1u}, /* SET_BAUD */
    {0x08, 0, 'I', 0x03FF, 0x682D1BE4u}, /* ECHO */
    {0x09, 0, 'I', 0x03FF, 0x76A16842u}, /* SOURCE */
    {0x0A, 0, 'I', 0x03FF, 0x1AA5F139u}, /* SINK */
    {0x0F, 5, 'I', 0x03FF, 0xB80E5F40u}, /* ESTOP */
    {0x10, 0, 'I', 0x03FF, 0xAC31E9E2u}, /* GET_INFO */
    {0x11, 0, 'I', 0x03FF, 0x83772624u}, /* GET_STATE */
    {0x12, 0, 'O', 0x0100, 0xBBA33A97u}, /* CLEAR_FAULT */
    {0x13, 0, 'I', 0x03FF, 0xF57F0B8Bu}, /* GET_COUNTERS */
    {0x14, 0, 'I', 0x03FF, 0xF9022CDDu}, /* READ_JOURNAL */
    {0x15, 0, 'I', 0x03FF, 0x6140D992u}, /* GET_LIMITS */
    {0x16, 0, 'I', 0x03FF, 0xA07B90D9u}, /* GET_DRIVERS */
    {0x17, 0, 'I', 0x03FF, 0xC9464C7Fu}, /* GET_HISTORY */
    {0x20, 0, 'I', 0x000C, 0x3A46C3F1u}, /* CFG_BEGIN */
    {0x21, 0, 'I', 0x0004, 0x10DFE450u}, /* CFG_SPAN */
    {0x22, 0, 'I', 0x0004, 0x814ADCF5u}, /* CFG_LIMIT */
    {0x23, 0, 'I', 0x0004, 0x1A1BA29Cu}, /* CFG_TIMING */
    {0x24, 0, 'I', 0x000C, 0xB377FFA1u}, /* CFG_COMMIT */
    {0x25, 0, 'I', 0x0004, 0xBD663700u}, /* CFG_LEVELS */
    {0x28, 0, 'I', 0x0018, 0xC35DBAB6u}, /* ARM */
    {0x29, 0, 'I', 0x03FF, 0x4DD271D0u}, /* DISARM */
    {0x2A, 0, 'I', 0x03FF, 0xEB0A17ADu}, /* RENEW */
    {0x30, 0, 'I', 0x0010, 0x1B15C0D1u}, /* DAC_WRITE */
    {0x31, 0, 'I', 0x0010, 0x747574A6u}, /* GAINS */
    {0x32, 0, 'I', 0x0010, 0xFCBE57C0u}, /* ADC_READ */
    {0x33, 0, 'I', 0x03FF, 0xC823CBD2u}, /* GROUND_ALL */
    {0x40, 0, 'S', 0x0010, 0x251814CBu}, /* READ_ARRAY */
    {0x41, 3, 'S', 0x0030, 0x387688B8u}, /* READ_DATA */
    {0x42, 4, 'S', 0x0030, 0x966292C9u}, /* READ_END */
    {0x50, 0, 'O', 0x0010, 0x677CD406u}, /* PULSE */
    {0x51, 0, 'I', 0x0010, 0x6F31120Au}, /* JOB_BEGIN */
    {0x52, 2, 'S', 0x0010, 0xAFE08434u}, /* JOB_DATA */
    {0x53, 0, 'O', 0x0010, 0x8B59D9CAu}, /* JOB_RUN */
    {0x54, 4, 'S', 0x0090, 0x3BC10C7Cu}, /* PROGRESS */
    {0x55, 3, 'S', 0x0090, 0x12D7CCC6u}, /* VERIFY_DATA */
    {0x56, 0, 'I', 0x03FF, 0x2FFA3A32u}, /* JOB_STATUS */
    {0x57, 0, 'I', 0x03FF, 0xD1972083u}, /* JOB_ABORT */
    {0x58, 0, 'O', 0x0010, 0x26B4207Au}, /* PULSE_ROW */
    {0x60, 0, 'S', 0x0010, 0x3C1CF175u}, /* VMM_BEGIN */
    {0x61, 0, 'I', 0x0040, 0x5D08DF1Eu}, /* VMM_LUT */
    {0x62, 2, 'S', 0x0040, 0x8D9E639Cu}, /* VMM_DATA */
    {0x63, 3, 'S', 0x0050, 0xBC9D0809u}, /* VMM_RESULT */
    {0x64, 4, 'S', 0x0050, 0xCB4DF95Cu}, /* VMM_END */
    {0x65, 0, 'I', 0x03FF, 0x4D5AD430u}, /* VMM_ABORT */
    {0x70, 0, 'O', 0x0204, 0x4CE1437Au}, /* DBG_UNLOCK */
    {0x71, 0, 'O', 0x0200, 0x72B97302u}, /* SPI_XFER */
    {0x72, 0, 'O', 0x0200, 0x3D819C14u}, /* ADC_CR */
    {0x73, 0, 'I', 0x0200, 0x943625EBu}, /* ADC_RAW */
    {0x74, 0, 'I', 0x0200, 0xF0B3137Cu}, /* GPIO_GET */
    {0x75, 0, 'O', 0x0200, 0xE493A436u}, /* GPIO_SET */
    {0x76, 0, 'I', 0x0200, 0x3120B699u}, /* SHADOW */
    {0x78, 4, 'I', 0x03FF, 0xF6A60AE8u}, /* LOG */
    {0x79, 4, 'I', 0x03FF, 0xB99C8DBFu}, /* FAULT */
    {0x7A, 4, 'I', 0x03FF, 0x5E46931Du}, /* STATE */
};

#endif
