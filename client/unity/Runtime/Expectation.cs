using System;

namespace Copresence
{
    /// <summary>
    /// What a decoder expects of the next sample, in whole numbers, so that every language gets the same [DLT8] [DLT9] [DLT10]. Each call expects x, y, z
    /// (the first three) or the components beside a given largest one (the others); offsets are those of rows of AvatarState.Ints. No allocation.
    /// </summary>
    sealed class Expectation
    {
        /// <summary>Orientations that are multiplied have eight times the steps of the wire; a turn is in 1/16384.</summary>
        const int FineBits = 3, TurnBits = 14;

        public readonly int[] Expected = new int[6];
        readonly int[] first = new int[4], second = new int[4], turn = new int[4];

        public static int BitLength(int value)
        {
            int bits = 0;
            for (uint rest = (uint)value; rest != 0; rest >>= 1) bits++;
            return bits;
        }

        /// <summary>How far into its future a movement is continued, in 1/256 of the time that it is known for.</summary>
        public static int TimeRatio(int aheadTicks, int knownTicks)
        {
            return aheadTicks <= 0 || knownTicks <= 0 ? 0 : (int)Math.Min(1024, aheadTicks * 256L / knownTicks);
        }

        /// <summary>The order of the code for what moves so far.</summary>
        public static int MovementOrder(int moved, int patience, int ease)
        {
            return Clamp((2 * BitLength(moved) + patience - ease) >> 1, 10);
        }

        /// <summary>The order of the code for the joints of a hand.</summary>
        public static int ScaleOrder(int scale)
        {
            int order = 0;
            while (order < 8 && 36 << order < scale) order++;
            return order;
        }

        public void HoldPosition(short[] reference, int at)
        {
            for (int axis = 0; axis < 3; axis++) Expected[axis] = reference[at + axis];
        }

        public void HoldOrientation(short[] reference, int at, int largest)
        {
            if (reference[at + 3] == largest)
            {
                for (int index = 0; index < 3; index++) Expected[3 + index] = reference[at + 4 + index];
                return;
            }
            Fine(reference, at, first);
            Select(first, largest, FineBits);
        }

        /// <summary>Gives how far it is expected to move, the sum of the three axes.</summary>
        public int MovePosition(short[] reference, short[] older, int at, int ratio)
        {
            int moved = 0;
            for (int axis = 0; axis < 3; axis++)
            {
                int step = Step(reference[at + axis] - older[at + axis], ratio);
                Expected[axis] = Math.Max(-32767, Math.Min(32767, reference[at + axis] + step));
                moved += Math.Abs(step);
            }
            return moved;
        }

        /// <summary>Gives how far it is expected to turn.</summary>
        public int MoveOrientation(short[] reference, short[] older, int at, int ratio, int largest)
        {
            int moved = 0;
            if (reference[at + 3] == largest && older[at + 3] == largest)
            {
                for (int index = 4; index < 7; index++)
                {
                    int step = Step(reference[at + index] - older[at + index], ratio);
                    Expected[index - 1] = Clamp(reference[at + index] + step, 1023);
                    moved += Math.Abs(step);
                }
                return moved;
            }
            Fine(reference, at, first);
            Fine(older, at, second);
            int sign = first[0] * second[0] + first[1] * second[1] + first[2] * second[2] + first[3] * second[3] < 0 ? -1 : 1;
            for (int index = 0; index < 4; index++)
            {
                int step = Step(first[index] - sign * second[index], ratio);
                first[index] += step;
                moved += Math.Abs(step);
            }
            Select(first, largest, FineBits);
            return moved >> FineBits;
        }

        /// <summary>Keeps how a joint has turned since the reference, for the joint that hangs on it. False when it has not.</summary>
        public bool TurnOf(short[] now, short[] reference, int at)
        {
            if (now[at + 3] == reference[at + 3] && now[at + 4] == reference[at + 4] && now[at + 5] == reference[at + 5] && now[at + 6] == reference[at + 6]) return false;
            Fine(now, at, first);
            Fine(reference, at, second);
            int ax = first[0], ay = first[1], az = first[2], aw = first[3], bx = second[0], by = second[1], bz = second[2], bw = second[3];
            turn[0] = ToTurn(ax * bw - aw * bx - ay * bz + az * by);
            turn[1] = ToTurn(ax * bz + ay * bw - aw * by - az * bx);
            turn[2] = ToTurn(ay * bx - ax * by + az * bw - aw * bz);
            turn[3] = ToTurn(aw * bw + ax * bx + ay * by + az * bz);
            return true;
        }

        /// <summary>A joint carried along by the one at <paramref name="parent"/>, which has turned as TurnOf found if <paramref name="turned"/>.</summary>
        public void CarryPosition(short[] ints, short[] reference, int at, int parent, bool turned)
        {
            int x = reference[at] - reference[parent], y = reference[at + 1] - reference[parent + 1], z = reference[at + 2] - reference[parent + 2];
            if (turned)
            {
                x *= 16; y *= 16; z *= 16;
                int tx = turn[0], ty = turn[1], tz = turn[2], tw = turn[3];
                int cx = (ty * z - tz * y) >> 13, cy = (tz * x - tx * z) >> 13, cz = (tx * y - ty * x) >> 13;
                x = (x + ((tw * cx + ty * cz - tz * cy) >> TurnBits) + 8) >> 4;
                y = (y + ((tw * cy + tz * cx - tx * cz) >> TurnBits) + 8) >> 4;
                z = (z + ((tw * cz + tx * cy - ty * cx) >> TurnBits) + 8) >> 4;
            }
            Expected[0] = Clamp(ints[parent] + x, 255);
            Expected[1] = Clamp(ints[parent + 1] + y, 255);
            Expected[2] = Clamp(ints[parent + 2] + z, 255);
        }

        /// <summary>The orientation of the reference, turned as TurnOf found.</summary>
        public void TurnOrientation(short[] reference, int at, int largest)
        {
            Fine(reference, at, first);
            int tx = turn[0], ty = turn[1], tz = turn[2], tw = turn[3], x = first[0], y = first[1], z = first[2], w = first[3];
            second[0] = tw * x + tx * w + ty * z - tz * y;
            second[1] = tw * y - tx * z + ty * w + tz * x;
            second[2] = tw * z + tx * y - ty * x + tz * w;
            second[3] = tw * w - tx * x - ty * y - tz * z;
            Select(second, largest, TurnBits + FineBits);
        }

        static int Step(int moved, int ratio)
        {
            return (moved * ratio + 128) >> 8;
        }

        /// <summary>The four components, fine; the largest is not negative.</summary>
        static void Fine(short[] ints, int at, int[] into)
        {
            int a = ints[at + 4] - 511, b = ints[at + 5] - 511, c = ints[at + 6] - 511, rest = 522242 - a * a - b * b - c * c;
            // The root of a whole number below 2^53 is never rounded up to the next one.
            int largest = rest > 0 ? (int)Math.Sqrt(64 * rest) : 0, index = ints[at + 3];
            into[0] = index == 0 ? largest : 8 * a;
            into[1] = index == 1 ? largest : 8 * (index == 0 ? a : b);
            into[2] = index == 2 ? largest : 8 * (index == 3 ? c : b);
            into[3] = index == 3 ? largest : 8 * c;
        }

        /// <summary>Expects the three components beside <paramref name="largest"/>, after negation where that one is negative.</summary>
        void Select(int[] components, int largest, int bits)
        {
            int sign = components[largest] < 0 ? -1 : 1, half = 1 << (bits - 1);
            Expected[3] = Clamp(511 + ((sign * components[largest == 0 ? 1 : 0] + half) >> bits), 1023);
            Expected[4] = Clamp(511 + ((sign * components[largest < 2 ? 2 : 1] + half) >> bits), 1023);
            Expected[5] = Clamp(511 + ((sign * components[largest == 3 ? 2 : 3] + half) >> bits), 1023);
        }

        /// <summary>The quotient rounded down, of what may be negative: no product of two fine orientations goes below the bias.</summary>
        static int ToTurn(int product)
        {
            return (product + 1020 + 32768 * 2040) / 2040 - 32768;
        }

        static int Clamp(int value, int most)
        {
            return value < 0 ? 0 : value > most ? most : value;
        }
    }
}
