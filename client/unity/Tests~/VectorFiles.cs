using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Web.Script.Serialization;

namespace Copresence.Tests
{
    using Map = Dictionary<string, object>;

    /// <summary>The golden vectors of protocol/vectors, whose folder is named by COPRESENCE_VECTORS.</summary>
    static class VectorFiles
    {
        static readonly string Folder = Environment.GetEnvironmentVariable("COPRESENCE_VECTORS");
        static readonly JavaScriptSerializer Json = new JavaScriptSerializer { MaxJsonLength = int.MaxValue };

        public static Map Load(string name)
        {
            return Json.Deserialize<Map>(File.ReadAllText(Path.Combine(Folder, name)));
        }

        public static IEnumerable<Map> Vectors(string name)
        {
            return Items(Load(name)["vectors"]).Cast<Map>();
        }

        public static IEnumerable<object> Items(object list)
        {
            return ((IEnumerable)list).Cast<object>();
        }

        public static byte[] Hex(object text)
        {
            var hex = (string)text;
            return Enumerable.Range(0, hex.Length / 2).Select(at => Convert.ToByte(hex.Substring(2 * at, 2), 16)).ToArray();
        }

        public static double[] Row(object row)
        {
            return Items(row).Select(Convert.ToDouble).ToArray();
        }

        public static double NearMs(Map vector)
        {
            return vector.ContainsKey("nearMs") ? Convert.ToDouble(vector["nearMs"]) : 0;
        }
    }
}
