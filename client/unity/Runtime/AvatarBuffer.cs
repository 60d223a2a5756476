using System;

namespace Copresence
{
    /// <summary>What a drawn pose is made of. Held: nothing newer has come for a while; draw it so that it is seen to be old.</summary>
    public enum AvatarSource { None, Interpolated, Extrapolated, Held }

    /// <summary>The newest samples of one participant, and where they are at a moment between two of them. No allocation after the first samples.</summary>
    public sealed class AvatarBuffer
    {
        const int Capacity = 24;
        const double MaxAheadMs = 100, MaxGapMs = 250;

        readonly PoseSample[] ring = new PoseSample[Capacity];
        int first, length;

        /// <summary>Copies a sample; one that is not newer than the newest is left out.</summary>
        public void Add(PoseSample sample)
        {
            if (length > 0 && sample.CaptureMs <= At(length - 1).CaptureMs) return;
            if (length == Capacity) first = (first + 1) % Capacity;
            else length++;
            int place = (first + length - 1) % Capacity;
            if (ring[place] == null) ring[place] = new PoseSample();
            ring[place].CopyFrom(sample);
        }

        public void Clear()
        {
            length = 0;
        }

        /// <param name="serverMs">The moment to draw: CopresenceClient.ServerNowMs less a delay of about two ticks and the jitter of the link.</param>
        public AvatarSource Sample(double serverMs, PoseSample into)
        {
            if (length == 0) return AvatarSource.None;
            PoseSample newest = At(length - 1);
            if (serverMs >= newest.CaptureMs) return Beyond(newest, serverMs, into);
            int after = length - 1;
            while (after > 0 && At(after - 1).CaptureMs >= serverMs) after--;
            into.CopyFrom(At(after));
            if (after == 0) return AvatarSource.Held;
            Blend(At(after - 1), At(after), serverMs, into);
            return AvatarSource.Interpolated;
        }

        /// <summary>Goes on with the last motion for 100 ms, then stands: a longer guess shows motion that nobody made.</summary>
        AvatarSource Beyond(PoseSample newest, double serverMs, PoseSample into)
        {
            into.CopyFrom(newest);
            double aheadMs = serverMs - newest.CaptureMs;
            if (length > 1) Blend(At(length - 2), newest, newest.CaptureMs + Math.Min(aheadMs, MaxAheadMs), into);
            return aheadMs <= MaxAheadMs ? AvatarSource.Extrapolated : AvatarSource.Held;
        }

        static void Blend(PoseSample a, PoseSample b, double serverMs, PoseSample into)
        {
            double spanMs = b.CaptureMs - a.CaptureMs;
            if (a.SpaceEpoch != b.SpaceEpoch || spanMs <= 0 || spanMs > MaxGapMs) return;
            float t = (float)((serverMs - a.CaptureMs) / spanMs);
            Parts both = a.Valid & b.Valid;
            for (int part = 0; part < 3; part++) if (((int)both & 1 << part) != 0) into.Rigid[part] = Blend(a.Rigid[part], b.Rigid[part], t);
            for (int joint = 0; joint < Codec.HandJoints; joint++)
            {
                if ((both & Parts.LeftHand) != 0) into.LeftHand[joint] = Blend(a.LeftHand[joint], b.LeftHand[joint], t);
                if ((both & Parts.RightHand) != 0) into.RightHand[joint] = Blend(a.RightHand[joint], b.RightHand[joint], t);
            }
            into.CaptureMs = serverMs;
        }

        /// <summary>Samples are close in time, so that the normalised chord of two orientations is as good as the arc.</summary>
        static Pose Blend(Pose a, Pose b, float t)
        {
            float sign = a.QX * b.QX + a.QY * b.QY + a.QZ * b.QZ + a.QW * b.QW < 0 ? -1 : 1;
            float x = a.QX + (sign * b.QX - a.QX) * t, y = a.QY + (sign * b.QY - a.QY) * t, z = a.QZ + (sign * b.QZ - a.QZ) * t, w = a.QW + (sign * b.QW - a.QW) * t;
            float norm = (float)Math.Sqrt(x * x + y * y + z * z + w * w);
            if (norm < 1e-6f) return b;
            return new Pose(a.X + (b.X - a.X) * t, a.Y + (b.Y - a.Y) * t, a.Z + (b.Z - a.Z) * t, x / norm, y / norm, z / norm, w / norm);
        }

        PoseSample At(int index)
        {
            return ring[(first + index) % Capacity];
        }
    }
}
