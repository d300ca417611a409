"""The status line: what is under the pointer, jobs with their progress, frame rate, memory, device."""
