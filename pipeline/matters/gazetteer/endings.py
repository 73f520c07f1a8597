"""The words that finding unlisted names needs: what names end in, where they cannot go on, and what is no name.

Collected by reading letters for training and the names found in them; the lists hold words of the language only.
"""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The words of a text, divided by blanks and line ends."""
    return frozenset(text.split())


ENDINGS = {
    "township": "街道 镇 乡",
    "village": "社区 村",
    "estate": "小区 花园 公寓 家园 新村 名城 名苑 花苑 佳苑 嘉苑 雅苑 丽苑 馨苑 御苑 佳园 嘉园 雅园 馨园 丽园 华庭 豪庭 雅庭 华府 名府 公馆 名邸 名居 雅居 国际城",
    "institution": "有限责任公司 有限公司 公司 幼儿园 小学 中学 大学 学院 学校 卫生院 医院 银行 信用社 法院 检察院 派出所",
}
KIND = {ending: kind for kind, endings in ENDINGS.items() for ending in endings.split()}
NOT_AFTER = {
    "村": "村通|庄|落|容|貌", "镇": "定|静|压|痛|守|住", "乡": "亲|下|村|土|镇|音|愁|间|邻|巴|情", "街道": "两", "社区": "团购",
    "小学": "生|毕业|升", "中学": "生|毕业", "大学": "生|毕业|学", "学院": "派", "法院": "判", "花园": "式", "公司": "法",
}  # fmt: skip
"""What after an ending makes another word of it: 乡亲, 中学生."""
ENDING = re.compile("|".join(f"{word}(?!{NOT_AFTER[word]})" if word in NOT_AFTER else word for word in sorted(KIND, key=len, reverse=True)))
LONGEST = {"township": 5, "village": 5, "estate": 8, "institution": 8, "company": 16}
"""Characters before the ending."""

STOP_TAGS = words("p r c u uj ul ud uz uv ug y e o d x m q t w zg f i l v vn vd vi vg eng")
"""Tags (ICTCLAS) of words that names seldom hold: prepositions, pronouns, particles, adverbs, numerals, times, verbs."""
NAMING = words(
    "团结 联合 前进 建设 胜利 新立 跃进 解放 奋斗 发展 振兴 安居 自强 富强 拥军 互助 合作 进步 永久 创业 八一 五一 五四 三八 百花 万福 双拥 育才 成才 启航 起航 腾飞"
)
"""Words with such tags that names do hold."""
STOPS = words(
    """
    我 我们 咱 咱们 俺 俺们 你们 他们 本 该 某 各 每 全 整个 其他 另 同 此 这 那 几 多 两 一 个 位 家 名 处 条 座 间 里 内 外 中 上 下 旁 边 前 后 问过 但 系 一方面 腐败 边界 借口 历任 报告 产生 甩锅 伙同 杜绝
    占 利用 共用 附近 周边 周围 旁边 隔壁 对面 之间 门口 是 有 在 到 去 来 回 往 从 住 住在 家住 居住 居住在 现住 租住 暂住 入住 位于 地处 坐落 座落 属于 来自 来到 搬 搬到 进 进入 出 经过 路过 通往 靠近 临近 毗邻 紧邻
    相邻 离 距 距离 请 请求 要 想 让 使 叫 给 把 被 和 与 或 及 对 为 向 以 于 以及 关于 由于 因 将 就 也 都 还 没 没有 无 不 已 未 能 可 会 应 应该 可以 需要 希望 要求 建议 咨询 询问 请问 投诉 举报 反映 反应
    反馈 诉求 求助 呼吁 恳请 恳求 强烈 强烈要求 感谢 质疑 问 找 查 查处 查看 看 看到 发现 说 称 据 名叫 买 购 购买 购房 买房 卖 租 租房 开发 修 修建 建 新建 改造 拆迁 征收 占用 堵 封 管理 负责 办 办理 开 开设 成立 打
    打电话 联系 通知 告知 协调 督促 监督 责令 责成 代表 关注 涉嫌 支持 帮助 帮 按 按照 根据 通过 连接 包括 除 直到 至 送 送到 转 转到 交 交给 读 就读 念 上学 考上 毕业 工作 上班 打工 看病 骗 欠 拖欠 经营 承包 拨打 接到
    前往 撤销 取缔 整顿 整治 规范 解决 处理 加强 恢复 增设 设立 取消 关闭 启动 安装 加装 麻烦 敬请 谢谢 期待 期盼 盼望 保护 拯救 救救 致 尊敬 敬爱 您好 你好 领导 书记 镇长 乡长 区长 县长 市长 局长 主任 校长 院长 先生 女士
    同志 业主 居民 村民 市民 群众 百姓 老百姓 孩子 小孩 学生 家长 老人 老师 职工 员工 工人 农民 农民工 全家 家里 家中 家人 人 人家 母亲 父亲 爸爸 妈妈 爱人 老婆 丈夫 儿子 女儿 儿媳 司机 患者 病人 法人 法定代表 老板 经理
    总经理 股东 镇里 乡里 村里 县里 市里 全县 全市 全镇 全乡 我县 我市 我区 我镇 我乡 我村 本县 本市 本区 本镇 本村 城区 市区 县城 城里 原 现 现任 原任 时任 副 正 前任 下属 下辖 所属 辖区 辖内 路 街 道 巷 号 栋 期 层
    楼 室 路口 路段 地段 交叉口 交汇处 沿线 一带 片区 方向 东侧 西侧 南侧 北侧 东边 西边 南边 北边 楼下 楼上 院内 后门 前门 大门 出口 入口 违规 违法 非法 擅自 私自 强行 野蛮 恶意 严重 长期 经常 常年 多次 再次 至今 一直
    统一 今年 去年 最近 近期 近日 现在 目前 曾 曾经 正在 情况 问题 事情 事 一些 许多 很多 大多数 大部分 部分 个别 少数 多数 大 小 好 新 老 旧 老旧 新增 原有 现有 唯一 最大 真正 怎么 如何 为何 为什么 什么 哪个 哪些 是否
    能否 可否 何时 谁 这样 那样 所有 全体 任何 其中 不少 邻近 相关 有关 违建 存在 出现 发生 影响 规划 据悉 不知 以来 状告 回复 听闻 顾忌 得知 获悉 政府 居委会 村委会 办事处 委员会 管委会 业委会 派出所 市委 县委 区委 镇委
    党委 乡政府 镇政府 所在 现为 改为 迁 拉 拆 挖 抢 偷 选 收 派 发 签 追 逼 害 享 属 归 含 赴 跑 缺 少 用 做 当 得 带 换 变 划 分 捐 赠 陪 骂 抓 闹 拖 推 造 填 倒 排 扔 丢 失 当地 外地 异地 广大 普通 首先
    其次
    """
)
"""Further words at which a name does not go on to the left."""
OPENERS = words("大 小 新 老 上 下 中 前 后 里 外 高 金 银")
"""Words of STOPS that open a name when one character stands between them and the ending, or none: 老井村, 大桥镇."""
SORTS = {
    "township": """
        乡 城 小 小城 中心 商业 主要 城市 集 两 重 建制 贫困 特色 城关 步行 美食 故 异 家 老 外 返 农业 边远 偏远 主 背 沿街 文化 县级 古 贵 回家 下 步行街 周边 大 新 水 各个 相关 区级 属地 各乡 村 乡村 社区 条条 双
        少数民族 民族 我 现代 温泉
    """,
    "village": """
        农 乡 城中 自然 行政 全 本 邻 新农 美丽 美丽乡 文明 贫困 空心 示范 度假 居住 居民 移民 中 老 新 山 渔 进 出 下 驻 入 离 地球 生态 新型 大型 智慧 和谐 城市 农村 省级 市级 民族 旅游 试点 脱贫 村 整 外 同 上 全体
        各行政 各自然 成熟 高档 回 每个 网络 平安 绿色 住宅 学校 合并 贫困村 自然村 行政村 教师 地方 受害 大众 失地 留守 返乡 老百姓 小康 街道 所在 民主 法治 相邻 未来 管辖
    """,
    "estate": """
        住宅 居民 老旧 高档 中档 低档 高端 高品质 品质 封闭 封闭式 全封闭 开放 开放式 半开放式 安置 安置房 拆迁 拆迁安置 回迁 还建 商品房 商品 商品住宅 楼盘 所在 物业 大型 小型 中型 多层 高层 小高层 成熟 智慧 文明 商住 花园式
        廉租房 廉租 公租房 公租 经济适用房 经适房 保障房 保障性 限价房 安居 生活 人才 青年 老年 单身 员工 职工 学生 教师 商业 酒店 酒店式 精装 移民 农民 城市 美丽 幸福 共同 温馨 美好 精神 新型 特色 旅游 空中 屋顶 街心 中心 私家
        公共 普通 别墅 电梯 单位 家属 机关 示范 绿色 园林式 集资 自建 一老旧 停车场 车 校 园 式 学区房 学区 二手房 期房 现代 网红 规划 标准化 正规 社区 后 小户型 别墅区 住宅区 复式 养老 加建 变 人口密集 密集 加州 建设 名 同一
        电梯房 示范性 政府 一期 二期 三期 四期
    """,
    "institution": """
        重点 民办 公办 公立 私立 普通 高等 高 初 初级 高级 中等 名牌 寄宿 寄宿制 完全 九年制 九年一贯制 一贯制 农村 乡镇 乡村 城镇 优质 配套 配建 双语 打工 定点 三甲 专业 正规 大型 小型 私人 私营 民营 国有 国营 个体 总 分 子
        母 上级 基层 中级 最高 上市 物业 物业管理 物业服务 开发 开发商 房地产 房地产开发 房产 房产中介 地产 置业 建筑 建筑施工 建设 装修 装饰 保险 快递 物流 运输 客运 货运 劳务 派遣 劳务派遣 中介 培训 教育 评估 拍卖 担保 贷款
        小额贷款 投资 理财 金融 网贷 科技 网络 传媒 广告 旅游 家政 保洁 保安 租赁 汽车 运营 施工 承包 总包 中标 代理 外包 外资 集团 皮包 空壳 传销 设计 监理 测绘 检测 维保 电梯 环保 食品 医药 药品 贸易 商贸 服务 通信 通讯 电信
        附属 同类 村 镇 乡 县 市 区 省 中心 示范 宠物 地方 合作 涉事 开户 商业 单位 有限 第三方 合同 中 小 大 中小 技工 特殊 成人 党 军 名 其 双 一审 二审 异地 省级 市级 县级 区级 人民 全国 国家 政府 国际 国内 驾驶 驾
        职业 技术 职业技术 幼儿 公寓 小学 中学 小区 社区 片区 楼盘 下区 小区配套 综合 专科 普惠性 普惠 普惠制 市属 区属 县属 省属 直属 城市 住宅 住宅小区 中小学 标准配建 公办品牌 品牌 开锁 的士 现有 项目配套 热门 一级 二级 三级
        年度 地区 开发建设 项目 房屋 工程 建材 医疗 社会 分行 股份 总部 渣土 出租车 出租 网约车 公共汽车 融资 销售 直销 招聘 民间 行政
    """,
}
SORT_WORDS = {kind: words(f"{sorts} {ENDINGS['estate'] if kind == 'estate' else ''}") for kind, sorts in SORTS.items()}
"""What says the sort of thing, not which one: if only such words stand before the ending, there is no name."""
NUMBERED = re.compile("第?[一二三四五六七八九十]{1,3}")
BANKS = words("农业 工商 建设 邮政 邮政储蓄 招商 交通 民生 光大 中信 华夏 兴业 平安 农村商业")
NAMES = frozenset(
    [f"{bank}银行" for bank in BANKS]
    + ["人民医院", "实验小学", "实验中学", "中心小学", "中心医院", "自来水公司", "公交公司", "燃气公司", "热力公司", "供热公司", "供电公司"]
)
"""Names though they say only a sort: a county has one of them."""
