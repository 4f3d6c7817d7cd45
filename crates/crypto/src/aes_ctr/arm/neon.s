@ AES-256 of eight counters at once, as bits in NEON vectors, XORed over 128 bytes: `bitsliced.rs` in assembly, because NEON
@ intrinsics for 32-bit ARM are not stable Rust. The difference: byte 4r + c of a vector stands in row r and column c, so that
@ a step down a column is one VEXT, and two steps are an exchange of halves.
@
@ The circuit of `substitution.rs` needs more than sixteen registers: what is used last waits in memory. Order of
@ instructions and choice of registers were searched for by program, for cores that begin one a cycle and have its result
@ three later.
@
@ r0: round keys; in the rounds: the next one. r1: 128 bytes. r2: counters; in the rounds: r2 to r12 point at the places for
@ what waits. lr: behind the last but one round key. q0 to q7 are bits 0 to 7 between rounds.

    .syntax unified
    .arch armv7-a
    .fpu neon
    .text
    .arm

@ SubBytes without its constant.
@ From q0 to q7, bit 0 first, into q0, q3, q10, q13, q7, q5, q15, q12.
.macro nanoprobe_aes_substitute
    veor q5, q6, q5; veor q8, q4, q2; veor q9, q7, q1
    veor q10, q5, q0; veor q11, q7, q2; veor q12, q7, q4
    veor q4, q10, q4; veor q1, q10, q1; veor q13, q9, q8
    vand q14, q4, q0; veor q3, q3, q13; veor q15, q1, q11
    veor q2, q3, q2; veor q6, q3, q6; vand q3, q1, q10
    vst1.64 {d8, d9}, [r2:128]; veor q4, q2, q5; vst1.64 {d2, d3}, [r3:128]
    veor q1, q6, q12; vst1.64 {d12, d13}, [r4:128]; veor q6, q2, q0
    vst1.64 {d4, d5}, [r5:128]; vand q2, q13, q2; veor q5, q5, q1
    vst1.64 {d26, d27}, [r6:128]; vand q13, q15, q6; veor q14, q14, q2
    vst1.64 {d12, d13}, [r7:128]; veor q6, q4, q1; veor q2, q13, q2
    veor q13, q0, q1; vst1.64 {d20, d21}, [r8:128]; veor q10, q10, q7
    veor q7, q7, q5; vst1.64 {d2, d3}, [r9:128]; vand q1, q12, q1
    vst1.64 {d12, d13}, [r10:128]; vand q6, q8, q6; vst1.64 {d16, d17}, [r11:128]
    vand q8, q9, q5; vst1.64 {d20, d21}, [r12:128]; vand q10, q10, q13
    veor q6, q6, q1; veor q3, q3, q8; veor q8, q10, q8
    veor q2, q2, q6; veor q6, q3, q6; vand q3, q11, q4
    vld1.64 {d20, d21}, [r4:128]; veor q10, q2, q10; veor q3, q3, q1
    veor q1, q4, q11; veor q2, q9, q5; veor q8, q8, q3
    veor q14, q14, q3; veor q6, q6, q2; veor q7, q8, q7
    veor q1, q14, q1; vand q14, q10, q6; veor q8, q6, q7
    veor q10, q10, q1; veor q2, q1, q14; veor q14, q7, q14
    vand q2, q2, q8; veor q2, q2, q7; vand q8, q10, q14
    veor q6, q6, q2; veor q3, q14, q2; veor q8, q8, q1
    vand q7, q7, q3; vand q0, q2, q0; veor q3, q8, q2
    veor q14, q14, q7; veor q7, q7, q6; vand q12, q3, q12
    vand q14, q8, q14; vand q15, q7, q15; veor q10, q10, q14
    vand q13, q8, q13; vld1.64 {d28, d29}, [r9:128]; vand q14, q3, q14
    vld1.64 {d12, d13}, [r8:128]; vand q6, q10, q6; vld1.64 {d2, d3}, [r12:128]
    vand q1, q8, q1; veor q8, q8, q10; vst1.64 {d2, d3}, [r12:128]
    veor q1, q10, q7; vst1.64 {d12, d13}, [r8:128]; vld1.64 {d12, d13}, [r3:128]
    vand q6, q10, q6; vld1.64 {d20, d21}, [r7:128]; vand q10, q7, q10
    veor q3, q3, q1; veor q7, q2, q7; vst1.64 {d20, d21}, [r7:128]
    vld1.64 {d20, d21}, [r2:128]; vand q10, q2, q10; vand q9, q8, q9
    vand q8, q8, q5; vld1.64 {d10, d11}, [r11:128]; vand q5, q3, q5
    vld1.64 {d4, d5}, [r10:128]; vand q3, q3, q2; vand q4, q1, q4
    vand q11, q1, q11; vld1.64 {d2, d3}, [r6:128]; vand q1, q7, q1
    vld1.64 {d4, d5}, [r5:128]; vand q7, q7, q2; veor q6, q13, q6
    veor q14, q14, q3; veor q3, q3, q4; veor q12, q12, q5
    veor q14, q8, q14; veor q7, q7, q8; veor q5, q5, q11
    veor q1, q1, q15; veor q10, q15, q10; veor q13, q0, q13
    veor q0, q0, q9; veor q9, q9, q6; veor q6, q6, q12
    vld1.64 {d30, d31}, [r8:128]; veor q12, q15, q12; veor q0, q0, q7
    veor q15, q15, q14; veor q3, q3, q12; veor q12, q1, q12
    vld1.64 {d2, d3}, [r12:128]; veor q1, q1, q0; veor q0, q6, q0
    vld1.64 {d12, d13}, [r7:128]; veor q6, q6, q12; veor q12, q14, q12
    veor q5, q5, q15; veor q1, q1, q3; veor q3, q9, q3
    veor q7, q7, q6; veor q13, q13, q6; veor q10, q10, q1
    veor q5, q5, q1; veor q15, q15, q7
.endm

@ MixColumns and the round key, back into q0 to q7. In the names: how many columns to the right stands what is one row
@ further down, and two.
.macro nanoprobe_aes_mix_3_2
    vext.8 q2, q12, q12, #4; vext.8 q6, q0, q0, #4; vext.8 q8, q3, q3, #4
    vshr.u32 q9, q2, #24; vshr.u32 q14, q6, #24; vshr.u32 q4, q8, #24
    vsli.32 q9, q2, #8; vsli.32 q14, q6, #8; vsli.32 q4, q8, #8
    veor q12, q12, q9; veor q0, q0, q14; veor q3, q3, q4
    veor q14, q14, q12; vrev32.16 q6, q0; veor q4, q4, q0
    vld1.64 {d4, d5}, [r0:128]!; veor d28, d28, d13; vext.8 q0, q10, q10, #4
    vld1.64 {d22, d23}, [r0:128]!; veor d29, d29, d12; vshr.u32 q6, q0, #24
    veor q11, q11, q12; veor q2, q14, q2; vrev32.16 q14, q3
    vsli.32 q6, q0, #8; veor d8, d8, d29; veor q10, q10, q6
    veor q6, q6, q3; veor d9, d9, d28; vext.8 q3, q13, q13, #4
    vrev32.16 q8, q10; veor q1, q4, q11; vshr.u32 q4, q3, #24
    veor d12, d12, d17; vld1.64 {d28, d29}, [r0:128]!; vsli.32 q4, q3, #8
    veor d13, d13, d16; vext.8 q8, q7, q7, #4; veor q13, q13, q4
    veor q4, q4, q10; veor q14, q6, q14; vrev32.16 q0, q13
    vld1.64 {d12, d13}, [r0:128]!; vld1.64 {d20, d21}, [r0:128]!; veor d8, d8, d1
    veor q6, q6, q12; veor q10, q10, q12; veor d9, d9, d0
    vshr.u32 q0, q8, #24; vld1.64 {d22, d23}, [r0:128]!; veor q3, q4, q6
    vsli.32 q0, q8, #8; vext.8 q6, q5, q5, #4; veor q7, q7, q0
    veor q0, q0, q13; vshr.u32 q8, q6, #24; vrev32.16 q13, q7
    vsli.32 q8, q6, #8; veor d0, d0, d27; veor q5, q5, q8
    veor d1, d1, d26; vext.8 q13, q15, q15, #4; veor q8, q8, q7
    veor q4, q0, q10; vshr.u32 q6, q13, #24; vrev32.16 q10, q5
    vrev32.16 q7, q12; vsli.32 q6, q13, #8; veor d16, d16, d21
    vld1.64 {d26, d27}, [r0:128]!; veor q15, q15, q6; veor d17, d17, d20
    veor q6, q6, q5; vrev32.16 q10, q15; veor q9, q9, q15
    veor q11, q8, q11; veor d12, d12, d21; veor d18, d18, d15
    vmov q0, q2; veor d13, d13, d20; veor d19, d19, d14
    vmov q2, q14; veor q6, q6, q13; vld1.64 {d26, d27}, [r0:128]!
    vmov q5, q11; veor q7, q9, q13
.endm

.macro nanoprobe_aes_mix_0_0
    vext.8 q9, q12, q12, #4; vext.8 q1, q0, q0, #4; vext.8 q8, q3, q3, #4
    veor q12, q12, q9; veor q0, q0, q1; vext.8 q2, q10, q10, #4
    veor q1, q1, q12; veor q3, q3, q8; veor q10, q10, q2
    veor d2, d2, d1; veor q2, q2, q3; vld1.64 {d22, d23}, [r0:128]!
    veor d3, d3, d0; veor d4, d4, d21; veor q8, q8, q0
    veor q11, q1, q11; vld1.64 {d2, d3}, [r0:128]!; vld1.64 {d12, d13}, [r0:128]!
    veor d5, d5, d20; vld1.64 {d28, d29}, [r0:128]!; veor d16, d16, d7
    veor q2, q2, q6; vext.8 q6, q13, q13, #4; veor q14, q14, q12
    veor q1, q1, q12; veor q13, q13, q6; veor q6, q6, q10
    veor d17, d17, d6; vext.8 q10, q15, q15, #4; veor d12, d12, d27
    veor q1, q8, q1; vext.8 q8, q5, q5, #4; veor d13, d13, d26
    veor q15, q15, q10; veor q5, q5, q8; veor q3, q6, q14
    vext.8 q6, q7, q7, #4; vld1.64 {d28, d29}, [r0:128]!; veor q10, q10, q5
    veor q7, q7, q6; veor q6, q6, q13; veor q9, q9, q15
    veor q8, q8, q7; veor d12, d12, d15; veor q14, q14, q12
    veor d16, d16, d11; veor d13, d13, d14; vld1.64 {d0, d1}, [r0:128]!
    veor d17, d17, d10; veor d20, d20, d31; veor d18, d18, d25
    veor q4, q6, q14; veor q0, q8, q0; vld1.64 {d26, d27}, [r0:128]!
    veor d21, d21, d30; vld1.64 {d28, d29}, [r0:128]!; veor d19, d19, d24
    vmov q5, q0; veor q6, q10, q13; veor q7, q9, q14
    vmov q0, q11
.endm

.macro nanoprobe_aes_mix_1_2
    vext.8 q2, q12, q12, #4; vext.8 q6, q0, q0, #4; vext.8 q8, q3, q3, #4
    vshr.u32 q9, q2, #8; vshr.u32 q14, q6, #8; vshr.u32 q4, q8, #8
    vsli.32 q9, q2, #24; vsli.32 q14, q6, #24; vsli.32 q4, q8, #24
    veor q12, q12, q9; veor q0, q0, q14; veor q3, q3, q4
    veor q14, q14, q12; vrev32.16 q6, q0; veor q4, q4, q0
    vld1.64 {d4, d5}, [r0:128]!; veor d28, d28, d13; vext.8 q0, q10, q10, #4
    vld1.64 {d22, d23}, [r0:128]!; veor d29, d29, d12; vshr.u32 q6, q0, #8
    veor q11, q11, q12; veor q2, q14, q2; vrev32.16 q14, q3
    vsli.32 q6, q0, #24; veor d8, d8, d29; veor q10, q10, q6
    veor q6, q6, q3; veor d9, d9, d28; vext.8 q3, q13, q13, #4
    vrev32.16 q8, q10; veor q1, q4, q11; vshr.u32 q4, q3, #8
    veor d12, d12, d17; vld1.64 {d28, d29}, [r0:128]!; vsli.32 q4, q3, #24
    veor d13, d13, d16; vext.8 q8, q7, q7, #4; veor q13, q13, q4
    veor q4, q4, q10; veor q14, q6, q14; vrev32.16 q0, q13
    vld1.64 {d12, d13}, [r0:128]!; vld1.64 {d20, d21}, [r0:128]!; veor d8, d8, d1
    veor q6, q6, q12; veor q10, q10, q12; veor d9, d9, d0
    vshr.u32 q0, q8, #8; vld1.64 {d22, d23}, [r0:128]!; veor q3, q4, q6
    vsli.32 q0, q8, #24; vext.8 q6, q5, q5, #4; veor q7, q7, q0
    veor q0, q0, q13; vshr.u32 q8, q6, #8; vrev32.16 q13, q7
    vsli.32 q8, q6, #24; veor d0, d0, d27; veor q5, q5, q8
    veor d1, d1, d26; vext.8 q13, q15, q15, #4; veor q8, q8, q7
    veor q4, q0, q10; vshr.u32 q6, q13, #8; vrev32.16 q10, q5
    vrev32.16 q7, q12; vsli.32 q6, q13, #24; veor d16, d16, d21
    vld1.64 {d26, d27}, [r0:128]!; veor q15, q15, q6; veor d17, d17, d20
    veor q6, q6, q5; vrev32.16 q10, q15; veor q9, q9, q15
    veor q11, q8, q11; veor d12, d12, d21; veor d18, d18, d15
    vmov q0, q2; veor d13, d13, d20; veor d19, d19, d14
    vmov q2, q14; veor q6, q6, q13; vld1.64 {d26, d27}, [r0:128]!
    vmov q5, q11; veor q7, q9, q13
.endm

.macro nanoprobe_aes_mix_2_0
    vext.8 q11, q12, q12, #4; vext.8 q14, q0, q0, #4; vext.8 q6, q3, q3, #4
    vrev32.16 q11, q11; vrev32.16 q14, q14; vrev32.16 q6, q6
    veor q12, q12, q11; veor q0, q0, q14; veor q3, q3, q6
    veor q14, q14, q12; veor q6, q6, q0; vld1.64 {d4, d5}, [r0:128]!
    veor d28, d28, d1; veor d12, d12, d7; vld1.64 {d2, d3}, [r0:128]!
    veor d29, d29, d0; vext.8 q0, q10, q10, #4; veor d13, d13, d6
    veor q1, q1, q12; vrev32.16 q0, q0; veor q14, q14, q2
    veor q1, q6, q1; veor q10, q10, q0; veor q0, q0, q3
    vext.8 q3, q13, q13, #4; vld1.64 {d12, d13}, [r0:128]!; veor d0, d0, d21
    vrev32.16 q3, q3; vld1.64 {d8, d9}, [r0:128]!; veor d1, d1, d20
    veor q13, q13, q3; veor q3, q3, q10; vext.8 q10, q7, q7, #4
    veor q2, q0, q6; veor d6, d6, d27; vrev32.16 q10, q10
    vext.8 q9, q5, q5, #4; vext.8 q6, q15, q15, #4; veor q4, q4, q12
    veor d7, d7, d26; veor q7, q7, q10; veor q10, q10, q13
    vrev32.16 q9, q9; vrev32.16 q6, q6; veor q3, q3, q4
    vld1.64 {d8, d9}, [r0:128]!; veor d20, d20, d15; veor q5, q5, q9
    veor q9, q9, q7; veor q15, q15, q6; veor q4, q4, q12
    veor d21, d21, d14; veor d18, d18, d11; veor q6, q6, q5
    veor q11, q11, q15; veor q4, q10, q4; vld1.64 {d20, d21}, [r0:128]!
    veor d19, d19, d10; veor d12, d12, d31; veor d22, d22, d25
    vld1.64 {d26, d27}, [r0:128]!; veor q9, q9, q10; veor d13, d13, d30
    vld1.64 {d14, d15}, [r0:128]!; veor d23, d23, d24; veor q6, q6, q13
    vmov q0, q14; veor q7, q11, q7; vmov q5, q9
.endm

@ In every group of 2k bits, exchanges the upper half of `low` for the lower half of `high`; \mask has the lower halves.
.macro nanoprobe_aes_exchange k, low, high, mask, one, other
    vshl.u8 \one, \high, #\k
    vshr.u8 \other, \low, #\k
    vbif \low, \one, \mask
    vbit \high, \other, \mask
.endm

@ Bit b of block n becomes bit n of vector b, and the reverse.
.macro nanoprobe_aes_transpose a, b, c, d, e, f, g, h, mask, one, other, third, fourth
    vmov.i8 \mask, #0x0f
    nanoprobe_aes_exchange 4, \a, \e, \mask, \one, \other
    nanoprobe_aes_exchange 4, \b, \f, \mask, \third, \fourth
    nanoprobe_aes_exchange 4, \c, \g, \mask, \one, \other
    nanoprobe_aes_exchange 4, \d, \h, \mask, \third, \fourth
    vmov.i8 \mask, #0x33
    nanoprobe_aes_exchange 2, \a, \c, \mask, \one, \other
    nanoprobe_aes_exchange 2, \b, \d, \mask, \third, \fourth
    nanoprobe_aes_exchange 2, \e, \g, \mask, \one, \other
    nanoprobe_aes_exchange 2, \f, \h, \mask, \third, \fourth
    vmov.i8 \mask, #0x55
    nanoprobe_aes_exchange 1, \a, \b, \mask, \one, \other
    nanoprobe_aes_exchange 1, \c, \d, \mask, \third, \fourth
    nanoprobe_aes_exchange 1, \e, \f, \mask, \one, \other
    nanoprobe_aes_exchange 1, \g, \h, \mask, \third, \fourth
.endm

    .balign 16
    .globl nanoprobe_aes256_ctr_neon
    .hidden nanoprobe_aes256_ctr_neon
    .type nanoprobe_aes256_ctr_neon, %function
nanoprobe_aes256_ctr_neon:
    push {r4-r12, lr}
    vpush {d8-d15}
    mov r12, sp
    sub sp, sp, #192
    bic sp, sp, #15
    str r1, [sp, #176]
    str r12, [sp, #180]
    add lr, r0, #1792

    @ Counters, rows of two blocks beside each other, then block by block.
    vld4.8 {d0, d1, d2, d3}, [r2]!
    vld4.8 {d4, d5, d6, d7}, [r2]!
    vld4.8 {d8, d9, d10, d11}, [r2]!
    vld4.8 {d12, d13, d14, d15}, [r2]!
    vtrn.32 d0, d1
    vtrn.32 d2, d3
    vswp d1, d2
    vtrn.32 d4, d5
    vtrn.32 d6, d7
    vswp d5, d6
    vtrn.32 d8, d9
    vtrn.32 d10, d11
    vswp d9, d10
    vtrn.32 d12, d13
    vtrn.32 d14, d15
    vswp d13, d14
    mov r2, sp
    add r3, sp, #16
    add r4, sp, #32
    add r5, sp, #48
    add r6, sp, #64
    add r7, sp, #80
    add r8, sp, #96
    add r9, sp, #112
    add r10, sp, #128
    add r11, sp, #144
    add r12, sp, #160
    nanoprobe_aes_transpose q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12
    vldmia r0!, {q8, q9}
    veor q0, q0, q8
    veor q1, q1, q9
    vldmia r0!, {q8, q9}
    veor q2, q2, q8
    veor q3, q3, q9
    vldmia r0!, {q8, q9}
    veor q4, q4, q8
    veor q5, q5, q9
    vldmia r0!, {q8, q9}
    veor q6, q6, q8
    veor q7, q7, q9

1:
    nanoprobe_aes_substitute
    nanoprobe_aes_mix_3_2
    cmp r0, lr
    beq 2f
    nanoprobe_aes_substitute
    nanoprobe_aes_mix_0_0
    nanoprobe_aes_substitute
    nanoprobe_aes_mix_1_2
    nanoprobe_aes_substitute
    nanoprobe_aes_mix_2_0
    b 1b
2:
    nanoprobe_aes_substitute

    vld1.64 {d2, d3}, [r0:128]!
    vld1.64 {d4, d5}, [r0:128]!
    veor q0, q0, q1
    veor q3, q3, q2
    vld1.64 {d2, d3}, [r0:128]!
    vld1.64 {d4, d5}, [r0:128]!
    veor q10, q10, q1
    veor q13, q13, q2
    vld1.64 {d2, d3}, [r0:128]!
    vld1.64 {d4, d5}, [r0:128]!
    veor q7, q7, q1
    veor q5, q5, q2
    vld1.64 {d2, d3}, [r0:128]!
    vld1.64 {d4, d5}, [r0:128]!
    veor q15, q15, q1
    veor q12, q12, q2
    nanoprobe_aes_transpose q0, q3, q10, q13, q7, q5, q15, q12, q1, q2, q4, q6, q8

    @ The reverse of the above, and the bytes.
    ldr r1, [sp, #176]
    ldr r12, [sp, #180]
    mov r2, r1
    vld4.8 {d2, d3, d4, d5}, [r1]!
    vswp d1, d6
    vtrn.32 d0, d1
    vtrn.32 d6, d7
    veor q1, q1, q0
    veor q2, q2, q3
    vst4.8 {d2, d3, d4, d5}, [r2]!
    vld4.8 {d16, d17, d18, d19}, [r1]!
    vswp d21, d26
    vtrn.32 d20, d21
    vtrn.32 d26, d27
    veor q8, q8, q10
    veor q9, q9, q13
    vst4.8 {d16, d17, d18, d19}, [r2]!
    vld4.8 {d2, d3, d4, d5}, [r1]!
    vswp d15, d10
    vtrn.32 d14, d15
    vtrn.32 d10, d11
    veor q1, q1, q7
    veor q2, q2, q5
    vst4.8 {d2, d3, d4, d5}, [r2]!
    vld4.8 {d16, d17, d18, d19}, [r1]!
    vswp d31, d24
    vtrn.32 d30, d31
    vtrn.32 d24, d25
    veor q8, q8, q15
    veor q9, q9, q12
    vst4.8 {d16, d17, d18, d19}, [r2]!

    mov sp, r12
    vpop {d8-d15}
    pop {r4-r12, pc}
    .size nanoprobe_aes256_ctr_neon, . - nanoprobe_aes256_ctr_neon
