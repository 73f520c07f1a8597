import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import pipeline.desk.models.chinese


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0003_matters"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("username", models.CharField(max_length=60, unique=True, verbose_name="用户名")),
                ("name", models.CharField(max_length=60, verbose_name="姓名")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("clerk", "分拣员"),
                            ("handler", "承办人"),
                            ("supervisor", "科长"),
                            ("analyst", "分析员"),
                            ("auditor", "审计"),
                            ("admin", "管理员"),
                        ],
                        max_length=16,
                        verbose_name="角色",
                    ),
                ),
                ("unit", models.TextField(blank=True, verbose_name="单位")),
                ("is_active", models.BooleanField(default=True, verbose_name="在用")),
                ("must_change", models.BooleanField(default=True, verbose_name="下次登录须改密码")),
                ("made_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Access",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("original", "查看原件"), ("export", "导出"), ("dossier", "打印卷宗"), ("search", "检索")], max_length=16
                    ),
                ),
                ("purpose", models.TextField(blank=True)),
                ("address", models.GenericIPAddressField(null=True)),
                ("detail", models.JSONField(default=dict, encoder=pipeline.desk.models.chinese.ChineseJSON)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Clock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=16)),
                ("started_on", models.DateField()),
                ("ended_on", models.DateField(null=True)),
                ("extended", models.PositiveSmallIntegerField(default=0)),
                ("pauses", models.JSONField(default=list)),
            ],
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("answer", models.CharField(max_length=20)),
                ("before", models.JSONField(encoder=pipeline.desk.models.chinese.ChineseJSON)),
                ("after", models.JSONField(encoder=pipeline.desk.models.chinese.ChineseJSON)),
                ("reason", models.CharField(max_length=20)),
                ("model_version", models.CharField(max_length=200)),
                ("shown", models.FloatField()),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("rule", models.TextField()),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="FlagAct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("new", "待研判"), ("acknowledged", "已确认"), ("watched", "持续关注"), ("dismissed", "不成立")],
                        max_length=16,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("step", "办理经过"), ("reply", "答复"), ("plan", "原一案一策"), ("remark", "备注")], max_length=16
                    ),
                ),
                ("text", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40, verbose_name="名称")),
                ("query", models.TextField(max_length=1000)),
                ("shared", models.BooleanField(default=False, verbose_name="本单位共用")),
            ],
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.RenameField("event", "detail", "after"),
        migrations.AddField(
            model_name="decision",
            name="undoes",
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="undone", to="desk.decision"),
        ),
        migrations.AlterField(
            model_name="event", name="after", field=models.JSONField(default=dict, encoder=pipeline.desk.models.chinese.ChineseJSON)
        ),
        migrations.AddField(
            model_name="event",
            name="before",
            field=models.JSONField(default=dict, encoder=pipeline.desk.models.chinese.ChineseJSON),
        ),
        migrations.AddField(
            model_name="event",
            name="matter",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="events", to="desk.matter"),
        ),
        migrations.AddField(
            model_name="flag",
            name="state",
            field=models.CharField(
                choices=[("new", "待研判"), ("acknowledged", "已确认"), ("watched", "持续关注"), ("dismissed", "不成立")],
                default="new",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="area",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="band",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="matter",
            name="channel",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="closed_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="due_clock",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddField(
            model_name="matter",
            name="due_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="fresh",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="matter",
            name="handed",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="matter",
            name="held_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="human_issue",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="human_priority",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="leader",
            field=models.TextField(blank=True, verbose_name="包保领导"),
        ),
        migrations.AddField(
            model_name="matter",
            name="live",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[("settled", "化解"), ("partly", "部分化解"), ("unsettled", "未化解")],
                max_length=16,
                verbose_name="办理结果",
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="plan",
            field=models.TextField(blank=True, verbose_name="一案一策"),
        ),
        migrations.AddField(
            model_name="matter",
            name="priority",
            field=models.FloatField(default=0.0),
        ),
        migrations.AddField(
            model_name="matter",
            name="rank",
            field=models.FloatField(default=0.0),
        ),
        migrations.AddField(
            model_name="matter",
            name="reasons",
            field=models.JSONField(default=list, encoder=pipeline.desk.models.chinese.ChineseJSON),
        ),
        migrations.AddField(
            model_name="matter",
            name="satisfaction",
            field=models.CharField(
                blank=True, choices=[("good", "满意"), ("fair", "基本满意"), ("poor", "不满意")], max_length=16, verbose_name="满意度"
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="signal_bits",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="matter",
            name="status",
            field=models.CharField(
                choices=[
                    ("open", "待分拣"),
                    ("accepted", "已受理"),
                    ("forwarded", "已转办"),
                    ("handling", "办理中"),
                    ("answered", "已答复"),
                    ("review", "复查中"),
                    ("reviewed", "已复查"),
                    ("recheck", "复核中"),
                    ("closed", "已办结"),
                    ("declined", "不予受理"),
                ],
                default="open",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="token",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="matter",
            name="unit",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="unit_by_person",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="matter",
            name="unit_why",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="matter",
            name="version",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="matter",
            name="way",
            field=models.CharField(
                blank=True,
                choices=[
                    ("mediation", "调解"),
                    ("administration", "行政"),
                    ("court", "诉讼"),
                    ("legal_aid", "法律援助"),
                    ("explanation", "政策解释"),
                ],
                max_length=16,
                verbose_name="化解渠道",
            ),
        ),
        migrations.AddField(
            model_name="queueitem",
            name="human_issue",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="queueitem",
            name="human_level",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="queueitem",
            name="human_signals",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="queueitem",
            name="registered_on",
            field=models.DateField(null=True),
        ),
        migrations.AlterField(
            model_name="decision",
            name="kind",
            field=models.CharField(
                choices=[("merged", "合并"), ("split", "拆分"), ("moved", "移出"), ("declined", "不合并"), ("undone", "撤销")],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(max_length=20),
        ),
        migrations.AlterField(
            model_name="event",
            name="letter",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="events", to="desk.letter"),
        ),
        migrations.AlterField(
            model_name="event",
            name="run",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="desk.run"),
        ),
        migrations.AlterField(
            model_name="matter",
            name="united_into",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="desk.matter"
            ),
        ),
        migrations.AlterField(
            model_name="queueitem",
            name="status",
            field=models.CharField(choices=[("open", "待登记"), ("registered", "已登记")], default="open", max_length=16),
        ),
        migrations.AddField(
            model_name="event",
            name="by",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="matter",
            name="assignee",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="assigned", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="matter",
            name="holder",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="held", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(models.F("united_into"), condition=models.Q(("united_into__isnull", False)), name="desk_matter_united"),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(
                models.OrderBy(models.F("last_on"), descending=True),
                models.OrderBy(models.F("rank"), descending=True),
                models.F("matter_id"),
                condition=models.Q(("live", True)),
                name="desk_matter_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(
                models.OrderBy(models.F("letters"), descending=True),
                models.OrderBy(models.F("rank"), descending=True),
                models.F("matter_id"),
                condition=models.Q(("live", True)),
                name="desk_matter_largest",
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(
                models.OrderBy(models.F("rank"), descending=True),
                models.F("matter_id"),
                condition=models.Q(("live", False)),
                name="desk_matter_done",
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(
                models.OrderBy(models.F("rank"), descending=True),
                models.F("matter_id"),
                condition=models.Q(("live", True)),
                name="desk_matter_by_rank",
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(
                models.F("unit"),
                models.OrderBy(models.F("rank"), descending=True),
                models.F("matter_id"),
                condition=models.Q(("live", True)),
                name="desk_matter_of_unit",
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(models.F("due_on"), condition=models.Q(("live", True)), name="desk_matter_by_due"),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(models.F("holder"), condition=models.Q(("holder__isnull", False)), name="desk_matter_held"),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(
                models.F("assignee"), condition=models.Q(("assignee__isnull", False), ("live", True)), name="desk_matter_assigned"
            ),
        ),
        migrations.AddField(
            model_name="access",
            name="by",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="access",
            name="letter",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="desk.letter"),
        ),
        migrations.AddField(
            model_name="access",
            name="matter",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="desk.matter"),
        ),
        migrations.AddField(
            model_name="clock",
            name="matter",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="clocks", to="desk.matter"),
        ),
        migrations.AddField(
            model_name="correction",
            name="by",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="correction",
            name="letter",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="corrections", to="desk.letter"),
        ),
        migrations.AddField(
            model_name="erasure",
            name="letter",
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="erasure", to="desk.letter"),
        ),
        migrations.AddField(
            model_name="flagact",
            name="by",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="flagact",
            name="flag",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="acts", to="desk.flag"),
        ),
        migrations.AddField(
            model_name="note",
            name="by",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="note",
            name="matter",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="notes", to="desk.matter"),
        ),
        migrations.AddField(
            model_name="savedview",
            name="owner",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="views", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="seal",
            name="event",
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="seal", to="desk.event"),
        ),
        migrations.AddIndex(
            model_name="access",
            index=models.Index(fields=["-at"], name="desk_access_by_time"),
        ),
        migrations.AddConstraint(
            model_name="clock",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_on", None)), fields=("matter", "rule"), name="desk_one_running_clock"
            ),
        ),
        migrations.AddIndex(
            model_name="correction",
            index=models.Index(fields=["at"], name="desk_correction_by_time"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("owner", "name"), name="desk_view_name_once"),
        ),
    ]
