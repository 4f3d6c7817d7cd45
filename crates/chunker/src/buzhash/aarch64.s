// Hash and test for buzhash. Which instruction stands where was searched for by program, by the model of a Cortex-A53;
// why it matters: aarch64.rs. A line of a loop is what that core begins in a cycle, or in as few as it can.
//
// It hands results back in order, so that what is ready sooner waits for what was begun before. AND and EOR, shifted or
// not (3 cycles in that model), go well beside loads (4); UBFX and LSR (2) do not, and nothing goes well between vector
// instructions (6) but LD1 of four registers (7).
//
// Both loops begin the next group within this one. In the last group that is this one again: nothing beyond it is read.

    .text

// x0: bytes. x1: slots. x2: groups from this one. w3: the D before; then the mask of a byte. x4: table.
// Eight bytes come at once, and AND takes them apart; the first of them comes alone, which evens out loads and
// arithmetic. A byte's register takes its number from the table; x5 to x16 hold whatever is under way.
    .pushsection .text.nanoprobe_buzhash_hash, "ax", %progbits
    .p2align 4
    .type nanoprobe_buzhash_hash, %function
    .hidden nanoprobe_buzhash_hash
    .globl nanoprobe_buzhash_hash
nanoprobe_buzhash_hash:
    mov w10, w3
    mov w3, #255
    ldr x5, [x0]
    ldrb w9, [x0]
    and x11, x3, x5, lsr #8; and x14, x3, x5, lsr #16
    ldr x6, [x0, #8]
    and x8, x3, x5, lsr #24; ldr w9, [x4, x9, lsl #2]
    ldr w11, [x4, x11, lsl #2]
    and x12, x3, x5, lsr #32; and x13, x3, x5, lsr #40
    ldr w14, [x4, x14, lsl #2]
    ldr w15, [x4, x8, lsl #2]
2:
    eor w7, w10, w9, ror #1; ldr w8, [x4, x12, lsl #2]
    and x9, x3, x5, lsr #48; ldrb w10, [x0, #8]
    eor w11, w7, w11, ror #2; ldr w12, [x4, x13, lsl #2]
    eor w13, w11, w14, ror #3; and x5, x3, x5, lsr #56
    and x14, x3, x6, lsr #8; ldr w9, [x4, x9, lsl #2]
    eor w15, w13, w15, ror #4; stp w7, w11, [x1]
    eor w7, w15, w8, ror #5; ldr w8, [x4, x5, lsl #2]
    eor w11, w7, w12, ror #6; ldr x5, [x0, #16]
    and x12, x3, x6, lsr #16; ldr w10, [x4, x10, lsl #2]
    and x16, x3, x6, lsr #24; ldr w14, [x4, x14, lsl #2]
    eor w9, w11, w9, ror #7; stp w13, w15, [x1, #8]
    and x13, x3, x6, lsr #32; ldr w12, [x4, x12, lsl #2]
    eor w8, w9, w8, ror #8; ldr w16, [x4, x16, lsl #2]
    and x15, x3, x6, lsr #40; stp w7, w11, [x1, #16]
    eor w7, w8, w10, ror #9; ldr w13, [x4, x13, lsl #2]
    eor w10, w7, w14, ror #10; stp w9, w8, [x1, #24]
    and x8, x3, x6, lsr #48; eor w9, w10, w12, ror #11
    eor w11, w9, w16, ror #12; ldr w15, [x4, x15, lsl #2]
    and x6, x3, x6, lsr #56; ldrb w12, [x0, #16]
    eor w13, w11, w13, ror #13; stp w7, w10, [x1, #32]
    and x7, x3, x5, lsr #8; ldr w8, [x4, x8, lsl #2]
    and x10, x3, x5, lsr #24; ldr w14, [x4, x6, lsl #2]
    and x16, x3, x5, lsr #16; ldr x6, [x0, #24]
    eor w15, w13, w15, ror #14; ldr w12, [x4, x12, lsl #2]
    eor w8, w15, w8, ror #15; stp w9, w11, [x1, #40]
    and x9, x3, x5, lsr #32; ldr w7, [x4, x7, lsl #2]
    eor w11, w8, w14, ror #16; stp w13, w15, [x1, #48]
    and x13, x3, x5, lsr #40; ldr w16, [x4, x16, lsl #2]
    eor w12, w11, w12, ror #17; and x14, x3, x5, lsr #48
    eor w7, w12, w7, ror #18; ldr w10, [x4, x10, lsl #2]
    subs x2, x2, #1; stp w8, w11, [x1, #56]
    eor w8, w7, w16, ror #19; ldrb w11, [x0, #24]
    and x5, x3, x5, lsr #56; ldr w9, [x4, x9, lsl #2]
    eor w10, w8, w10, ror #20; ldr w13, [x4, x13, lsl #2]
    add x15, x0, #32; ldr w14, [x4, x14, lsl #2]
    csel x0, x15, x0, ne; stp w12, w7, [x1, #64]
    eor w7, w10, w9, ror #21; ldr w9, [x4, x5, lsl #2]
    and x12, x3, x6, lsr #16; stp w8, w10, [x1, #72]
    and x8, x3, x6, lsr #8; ldr x5, [x0]
    eor w10, w7, w13, ror #22; ldr w11, [x4, x11, lsl #2]
    eor w13, w10, w14, ror #23; and x14, x3, x6, lsr #24
    and x15, x3, x6, lsr #32; ldr w8, [x4, x8, lsl #2]
    eor w9, w13, w9, ror #24; ldr w12, [x4, x12, lsl #2]
    and x16, x3, x6, lsr #40; ldr w14, [x4, x14, lsl #2]
    eor w11, w9, w11, ror #25; stp w7, w10, [x1, #80]
    eor w7, w11, w8, ror #26; stp w13, w9, [x1, #88]
    and x8, x3, x6, lsr #48; ldrb w9, [x0]
    and x6, x3, x6, lsr #56; ldr w15, [x4, x15, lsl #2]
    eor w10, w7, w12, ror #27; stp w11, w7, [x1, #96]
    eor w7, w10, w14, ror #28; ldr w16, [x4, x16, lsl #2]
    add x1, x1, #128; ldr w8, [x4, x8, lsl #2]
    and x11, x3, x5, lsr #8; ldr w12, [x4, x6, lsl #2]
    eor w13, w7, w15, ror #29; and x14, x3, x5, lsr #16
    eor w15, w13, w16, ror #30; stp w10, w7, [x1, #-24]
    eor w7, w15, w8, ror #31; ldr x6, [x0, #8]
    and x8, x3, x5, lsr #24; ldr w9, [x4, x9, lsl #2]
    eor w10, w7, w12; ldr w11, [x4, x11, lsl #2]
    and x12, x3, x5, lsr #32; stp w13, w15, [x1, #-16]
    and x13, x3, x5, lsr #40; ldr w14, [x4, x14, lsl #2]
    ldr w15, [x4, x8, lsl #2]
    stp w7, w10, [x1, #-8]
    b.ne 2b
    mov w0, w10
    ret
    .size nanoprobe_buzhash_hash, . - nanoprobe_buzhash_hash
    .popsection

// x0, x1: first half of the next group of new and old D's; x4, x5: second half of this one. x3: 2 less the groups from
// this one, so that it is negative where there is one more after the next. x6: bytes to go on by, x7: 128.
// v0 to v3: new, v4 to v7 and v16 to v19: old. v20 to v23: where they differ. v12 to v15: all ones where a number has a
// bit under the mask, v24 to v31; they are collected in v8 to v11 half a group later. d8 to d15 belong to the caller.
    .pushsection .text.nanoprobe_buzhash_test, "ax", %progbits
    .p2align 4
    .type nanoprobe_buzhash_test, %function
    .hidden nanoprobe_buzhash_test
    .globl nanoprobe_buzhash_test
nanoprobe_buzhash_test:
    stp d8, d9, [sp, #-64]!; stp d10, d11, [sp, #16]
    stp d12, d13, [sp, #32]; stp d14, d15, [sp, #48]
    ldp q24, q25, [x2]; ldp q26, q27, [x2, #32]
    ldp q28, q29, [x2, #64]; ldp q30, q31, [x2, #96]
    ld1 {v0.4s, v1.4s, v2.4s, v3.4s}, [x0]
    ld1 {v4.4s, v5.4s, v6.4s, v7.4s}, [x1]
    movi v8.16b, #255; movi v9.16b, #255; movi v10.16b, #255; movi v11.16b, #255
    movi v12.16b, #255; movi v13.16b, #255; movi v14.16b, #255; movi v15.16b, #255
    mov x7, #1; sub x3, x7, x3
    mov x7, #128; and x6, x7, x3, asr #63
    add x4, x0, #64; add x5, x1, #64
    add x0, x0, x6; add x1, x1, x6
    add x3, x3, #1
2:
    eor v20.16b, v0.16b, v4.16b; eor v21.16b, v1.16b, v5.16b
    ld1 {v16.4s, v17.4s, v18.4s, v19.4s}, [x5]
    eor v22.16b, v2.16b, v6.16b; eor v23.16b, v3.16b, v7.16b
    and v8.16b, v8.16b, v12.16b; and v9.16b, v9.16b, v13.16b
    ld1 {v0.4s, v1.4s, v2.4s, v3.4s}, [x4]
    and v10.16b, v10.16b, v14.16b; and v11.16b, v11.16b, v15.16b
    cmtst v12.4s, v20.4s, v24.4s; cmtst v13.4s, v21.4s, v25.4s
    cmtst v14.4s, v22.4s, v26.4s; cmtst v15.4s, v23.4s, v27.4s
    eor v20.16b, v0.16b, v16.16b
    ld1 {v4.4s, v5.4s, v6.4s, v7.4s}, [x1]
    eor v21.16b, v1.16b, v17.16b
    eor v22.16b, v2.16b, v18.16b; eor v23.16b, v3.16b, v19.16b
    and v8.16b, v8.16b, v12.16b; and v9.16b, v9.16b, v13.16b
    and v10.16b, v10.16b, v14.16b; and v11.16b, v11.16b, v15.16b
    ld1 {v0.4s, v1.4s, v2.4s, v3.4s}, [x0]
    cmtst v12.4s, v20.4s, v28.4s; cmtst v13.4s, v21.4s, v29.4s
    cmtst v14.4s, v22.4s, v30.4s; cmtst v15.4s, v23.4s, v31.4s
    and x6, x7, x3, asr #63; cmp x3, #1
    add x4, x4, #128; add x5, x5, #128
    add x3, x3, #1; add x0, x0, x6
    add x1, x1, x6; b.lt 2b
    // What the last half had.
    and v8.16b, v8.16b, v12.16b; and v9.16b, v9.16b, v13.16b
    and v10.16b, v10.16b, v14.16b; and v11.16b, v11.16b, v15.16b
    and v8.16b, v8.16b, v9.16b; and v10.16b, v10.16b, v11.16b
    and v8.16b, v8.16b, v10.16b; uminv s0, v8.4s
    fmov w0, s0; mvn w0, w0
    ldp d14, d15, [sp, #48]; ldp d12, d13, [sp, #32]
    ldp d10, d11, [sp, #16]; ldp d8, d9, [sp], #64
    ret
    .size nanoprobe_buzhash_test, . - nanoprobe_buzhash_test
    .popsection
