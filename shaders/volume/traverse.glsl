// Send the ray of the fragment. A mode defines
//   visit(position, length): take the value at a position, to which a length of the ray belongs; may set `done`;
//   worth(score): whether a brick in which no score is higher can change anything;
//   passed(length): so much of the ray was in bricks that can't;
//   outside(length): so much of the ray was in bricks with nothing in them.
// LINEAR: 0 takes every voxel that the ray crosses; 1 takes samples at equal steps. BRICKS: voxels along the bricks that
// are looked at first, 0 for none. GLANCE: voxels between the samples by which a lower bound is found before, 0 for none.
// TIGHT: 1 when the bricks with anything in them were drawn.
//
// Neighbouring rays share the vector registers of a software driver and wait for each other at the end of every loop, so
// bricks that follow each other are walked through in one: that takes a tenth off, although a brick is sometimes looked
// through that would have been passed over by then. Tried, and no faster: to begin with the brick of the highest score,
// which costs a second look at all of them; two or four samples at a time; loops of compiled code on the processor, one
// ray at a time, which needs a third of the steps but three times as long for each.
#if BRICKS
#include "bricks.glsl"
#endif
#if TIGHT
#include "occupied.glsl"
#endif
#if LINEAR
#include "comb.glsl"
#else
#include "walk.glsl"
#endif

void send(Ray r) {
    vec2 part = vec2(r.first, r.last);
    if (part.x < part.y) {
#if TIGHT
        traverse(r, part, occupied(part));
#else
        traverse(r, part, part);
#endif
    }
}
