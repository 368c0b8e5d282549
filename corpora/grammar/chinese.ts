import type { Draw } from './draw.ts';
import { type Bindings, expand, type Slots } from './expand.ts';

/** What Chinese messages about one matter say and how they are answered. */
export interface ChineseIntent {
  readonly customer: readonly string[];
  readonly replies: readonly string[];
}

/** A line of the Chinese logs: what a customer wrote, what was answered, or both. */
export function chineseLine(intent: ChineseIntent, draw: Draw): string {
  const bindings: Bindings = new Map();
  const kind = draw.below(100);
  if (kind < 3) return expand(draw.pick(fragments), slots, bindings, draw);
  if (kind < 16) return reply(intent, bindings, draw);
  const message = customerMessage(intent, bindings, draw);
  return kind < 30 ? `客户：${message} 客服：${reply(intent, bindings, draw)}` : message;
}

function customerMessage(intent: ChineseIntent, bindings: Bindings, draw: Draw): string {
  const pool = new Set<string>();
  const count = draw.pick([1, 1, 2, 2, 2, 3]);
  while (pool.size < count) pool.add(draw.pick(intent.customer));
  const parts = [...pool];
  if (draw.chance(0.3)) parts.splice(draw.below(parts.length + 1), 0, draw.pick(asides));
  if (draw.chance(0.3)) parts.unshift(draw.pick(greetings));
  if (draw.chance(0.25)) parts.push(draw.pick(closings));
  const separator = draw.pick(['，', '，', '，', '。', ' ']);
  const text = parts.map((part) => expand(part, slots, bindings, draw)).join(separator);
  const ended = /[？！]$/.test(text) || draw.chance(0.5) ? text : `${text}。`;
  return ended.replace(/([？！])[，。 ]/g, '$1');
}

function reply(intent: ChineseIntent, bindings: Bindings, draw: Draw): string {
  const opening = draw.chance(0.8) ? `${draw.pick(replyOpenings)}，` : '';
  const closing = draw.chance(0.5) ? `，${draw.pick(replyClosings)}` : '';
  return `${opening}${expand(draw.pick(intent.replies), slots, bindings, draw)}${closing}。`;
}

const slots: Slots = {
  product: [
    '鹿莫网关',
    '鹿莫迷你版',
    '收件箱柜',
    '云雀耳机',
    '红隼吸尘器',
    '芬灯台灯',
    '泰瑟热水壶',
    '松塔背包',
    '科沃音箱',
    '荆毯',
  ],
  other: ['马克杯', '雨衣', '平底锅', '香薰蜡烛', '门垫'],
  order: ['LM-_____', '订单LM-_____', '订单号______', '尾号____的订单'],
  carrier: ['迅线', '北邮速运', '绿车配送', '帆索快递'],
  city: ['杭州', '成都', '武汉', '苏州', '广州', '青岛', '长沙', '西安'],
  date: ['_月_号', '1_号', '周(一|二|三|四|五|六)', '上周(一|三|五)', '月底', '1(0|1|2)月_日'],
  span: ['(两|三|四|五)天', '一个星期', '快半个月', '_天', '十多天'],
  amount: ['__元', '1__块', '__.9元', '2__元'],
  name: ['小陈', '小林', '阿宁', '小周', '晓雨', '小唐'],
};

const greetings = ['你好', '您好', '在吗', '客服你好', '亲', '有人吗', '早上好', '麻烦问一下'];
const closings = ['谢谢', '谢谢啦', '麻烦尽快处理', '急', '等回复', '辛苦了', '多谢', '拜托了'];
const asides = [
  '{order}',
  '我是老客户了',
  '打电话一直占线',
  '之前联系过一次没人理',
  '有点着急',
  '机器人答非所问',
  '买来送人的',
  '真的很失望',
  '东西是{product}',
];
const fragments = [
  '(有|有没有)(进展|消息|结果)(了|)(吗|没)？',
  '还在(等|吗)？',
  '好的(谢谢|，知道了|，{name}|)',
  '(转|我要|帮我转)人工(客服|)(，谢谢|)',
  '订单号是LM-_____',
  '(图片|截图|照片)(发了|已发|在上面)',
  '还是(不行|没有|一样)(啊|呢|)',
  '(可以了|解决了)(，谢谢|)(|{name})',
];
const replyOpenings = [
  '您好',
  '亲，您好',
  '您好，很抱歉给您带来不便',
  '您好，我是{name}',
  '感谢您的耐心等待',
  '抱歉让您久等了',
].map((text) => text.replace('{name}', '客服小周'));
const replyClosings = [
  '请问还有其他可以帮您的吗',
  '祝您生活愉快',
  '有问题请直接回复',
  '感谢您的理解',
  '工单会保留三天',
];

export const chineseIntents: readonly ChineseIntent[] = [
  {
    customer: [
      '(我的|)(快递|包裹|{product})(怎么|)(还没到|还没收到|到哪了)',
      '物流(一直|{span})(没更新|不动了)',
      '(一直|{span}了还)卡在(海关|清关|{city}分拨中心)',
      '{carrier}说(放门口了|已签收|驿站代收)，(可我没收到|根本没有)',
      '(预计|说好)(|{date})送达，(又推迟了|现在还没影)',
      '什么时候能(到货|派送|送到{city})？',
      '显示异常扫描是什么意思？',
      '包裹是不是丢了，能不能帮我(查件|催一下)',
    ],
    replies: [
      '包裹目前在{city}分拨中心，预计{date}派送',
      '您的件在清关，放行后会马上更新物流',
      '已经帮您向{carrier}发起查件',
      '异常扫描表示没赶上车，{date}会再派送',
    ],
  },
  {
    customer: [
      '(我想|帮我|麻烦)取消(订单|{order}|{product})',
      '(拍错了|买重复了|不小心点了两次)，(取消一个|能取消吗？|帮我退掉)',
      '还没发货(呢|)，能不能(拦下来|别发了)？',
      '还在(配货|拣货)队列里，(麻烦作废|请作废)',
      '不想要了，(取消吧|怎么取消？)',
      '预售要等到{date}，太久了，不等了',
      '取消按钮是灰色的',
      '孩子用我手机下的单，(麻烦撤销|请取消)',
    ],
    replies: [
      '{order}已为您取消，还没进入拣货',
      '订单已经拣货完成，无法作废，您可以拒收',
      '预售订单已撤销',
      '已通知仓库停止拣货',
    ],
  },
  {
    customer: [
      '(我要|想|能)(改|换)(一下|)(收货|)地址(吗？|)',
      '地址(填错了|写成老家了|少了门牌号)',
      '我搬家了，(寄到|请改到)(新地址|{city}那边)',
      '(能|可以)(转寄|改派)到(自提点|单位|收件箱柜)吗？',
      '面单上(没有|缺了)房号',
      '那几天我不在家，(放|请放)(自提点|邻居家|门卫)',
      '要不要重新贴面单？',
      '收件箱柜的取件码换了，告诉{carrier}一声',
    ],
    replies: [
      '地址已经帮您改好',
      '已打面单，只能让{carrier}改派，会晚一天',
      '您可以在{carrier}小程序里改派到自提点',
      '请发完整地址和电话，我帮您重新贴面单',
    ],
  },
  {
    customer: [
      '(收到|拆开)(的|){product}(是坏的|碎了|裂了)',
      '{product}(开不了机|一用就冒烟|有异响|漏水)',
      '外箱(压扁了|湿了|破了)，里面(也坏了|磕了一角)',
      '才用了{span}就(坏了|断了)',
      '到手即坏，(灯都不亮|完全没反应)',
      '照片(发你了|已上传)，(凹了一块|你看这裂痕)',
      '在保修期内，(是换新还是返修|能换配件吗)？',
      '看着像(翻新机|样品|别人退的)，划痕很多',
    ],
    replies: [
      '到手即坏的我们直接换新',
      '请拍一下外箱和破损的地方',
      '已向{carrier}申请运输理赔',
      '配件{date}寄出，保修期两年',
    ],
  },
  {
    customer: [
      '(少发了|漏发了)(一个|一件|{product})',
      '(发错货了|寄错了)，我(买的|要的)是{product}，(来的|给我)是{other}',
      '装箱单写(三|四|两)件，(我只收到一件|数了只有一件)',
      '颜色(不对|发错了)，我要的是(蓝|白|绿)色',
      '第二箱没到，(第一箱只有线|只来了一箱)',
      '里面是别人的(东西|包裹)',
      '(充电线|螺丝包|赠品)没(有|放进去)',
      '是分开发货的吗？单子上没写',
    ],
    replies: [
      '漏发的{product}{date}补寄',
      '是拣货拣错了，{other}您留着就好',
      '这单是分两箱发的，第二箱{date}到',
      '麻烦发一下装箱单的照片',
    ],
  },
  {
    customer: [
      '(怎么|我想|可以)退货(吗？|)',
      '{product}(不合适|太大了|太吵了)，想退',
      '退货码(扫不出来|过期了|没收到)',
      '拆封了(还能退吗|要不要收重新上架费)？',
      '(能|可以)(上门取件|换大一号)吗？',
      '超过三十天(一天|两天|)了还能退吗',
      '退货运费(谁出|要我付吗)？',
      '系统要退货授权号，我没有',
    ],
    replies: [
      '三十天内都可以退，退货码已发给您',
      '拆封商品要收_%的重新上架费',
      '{carrier}{date}上门取件',
      '换货用同一个退货授权号就行',
    ],
  },
  {
    customer: [
      '(退款|钱)(什么时候|多久)(到账|退回来)？',
      '货(退了|寄回去){span}了，(钱还没到|退款没动静)',
      '说(已退款|退了{amount})，(卡里没有|银行查不到)',
      '只退了(一半|{amount})，(剩下的呢？|不对吧)',
      '怎么退到(余额|购物金)里了，我要退回(原卡|银行卡)',
      '仓库(早就|{date}就)签收了，(还没验完吗？|一直在质检)',
      '补偿的{amount}没(看到|到账)',
      '能给我银行流水参考号吗？',
    ],
    replies: [
      '退款{amount}已于{date}原路退回，三到五个工作日到账',
      '仓库质检完成，财务{date}放款',
      '补偿金在您的购物金里',
      '把流水参考号给银行就能查到',
    ],
  },
  {
    customer: [
      '(付款|支付)(失败|不成功|付不了)',
      '(卡|信用卡)(被拒了|一直被拒|不能用)',
      '银行验证(页面一直转|超时|收不到提示)',
      '(付了三次都|一付款就)(报错|跳回购物车)',
      '提示P-4_，(什么意思？|银行说没问题)',
      '分期付(额度不够|被拒|审核不过)',
      '(支持|能用)(哪些|什么)支付方式？',
      '安全码明明对的，(老说不匹配|一直报错)',
    ],
    replies: [
      'P-4_是发卡行拒绝，建议换一张卡',
      '需要先在银行App里确认验证',
      '分期审核没通过，请换支付方式',
      '支付故障已修好，购物车还在',
    ],
  },
  {
    customer: [
      '(扣了|被扣了)(两次|双份)(钱|款)',
      '账单上有笔{amount}(不认识|不是我买的|哪来的？)',
      '(多扣|多收)了{amount}',
      '账单写的LUMO*SVC是什么？',
      '预授权{amount}(还没释放|一直冻着)',
      '再不解释我就(向银行申请拒付|投诉了)',
      '没签约怎么自动扣款了',
      '怀疑卡被盗刷，(请风控查一下|赶紧冻结)',
    ],
    replies: [
      '第二笔是预授权，_天内银行会释放',
      'LUMO*SVC是我们服务费的名称',
      '确认是重复扣款，马上退您',
      '风控已经冻结这张卡',
    ],
  },
  {
    customer: [
      '(怎么|我要|帮我)(取消|退订)会员',
      '(想|可以)(升级|降级|换)(到家庭版|到尊享版|套餐)吗？',
      '自动续费(怎么关|关不掉|又扣了)',
      '月付改年付(怎么算|差价怎么补|按天折算吗)？',
      '试用到{date}，之后(会扣钱吗？|别续了)',
      '家庭版能(加|有)(两个|几个)席位？',
      '出差两个月，会员能(暂停|冻结)吗？',
      '(尊享版|鹿莫关怀)(包含什么|多少钱|值得买吗)？',
    ],
    replies: [
      '自动续费已关闭，会员到{date}为止',
      '中途升级按天折算差价',
      '家庭版五个席位，尊享版两个',
      '会员已暂停，权益保留',
    ],
  },
  {
    customer: [
      '(登不上|登录不了|进不去)(账号|帐号|)',
      '(忘记密码|密码不对)，(重置邮件收不到|怎么改？)',
      '账号(被锁了|被冻结了|显示异常)',
      '验证码(收不到|一直错|来得太慢)',
      '换手机了，(动态口令没了|验证器没了)',
      '备用码(用完了|找不到了)，怎么(验证身份|重新绑定)？',
      '登录链接(过期了|打开是空白)',
      '有(外地|{city})的登录记录，(不是我|帮我全部下线)',
    ],
    replies: [
      '账号已解锁，请重新登录',
      '登录链接十分钟内有效，请重新获取',
      '解除动态口令前要核验身份',
      '已将所有设备下线，请修改密码',
    ],
  },
  {
    customer: [
      '{product}(怎么|如何)(设置|安装|连网|配对)？',
      '(连不上|总是掉)(无线网|WiFi|蓝牙)',
      'App(搜不到|找不到)设备',
      '指示灯(一直闪橙灯|闪个不停|不变白)',
      '固件升级卡在(4_|7_|9_)%',
      '(恢复出厂|按住复位孔)(没反应|还是不行)',
      '要不要单独开2.4G？',
      '网关(晚上老离线|一关门就掉线)，(自动化不执行|传感器也没了)',
    ],
    replies: [
      '橙灯是配对模式，请打开App连2.4G网络',
      '按住复位孔十秒再重新设置',
      '固件_._修复了网关离线',
      '请把设备靠近路由器再试',
    ],
  },
];
